// A process of workers: workers.mjs <url> <name>. Its tasks take a moment, finish all they were given and ask for one unit
// of the next spec each. Works until it is killed, or told to stop.
import { runAllWorkers, shutdownSignal } from 'runutil'
import { CoordinateWorker, createCoordinate } from 'runutil/coordinate'
import { PostgresCoordinateStore, openDatabase } from 'runutil/postgres'

const [url, workerId] = process.argv.slice(2)
const database = await openDatabase(url)
const namespace = await createCoordinate(new PostgresCoordinateStore(database)).namespace('chaos')

const work = async (attempts) => {
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 20))
  const ends = attempts.map((attempt) => attempt.finish({ output: [`${attempt.workUnit.name} again`] }))
  // Of one that came too late, its unit is another's.
  for (const { reason } of await Promise.allSettled(ends)) {
    if (reason !== undefined && reason.name !== 'ErrLostLease') throw reason
  }
}

const worker = new CoordinateWorker({
  namespace,
  workerId,
  tasks: { first: work, second: work },
  concurrency: 20,
  maxAttempts: 10,
  lifetime: '2s',
  pollInterval: '200ms',
})
process.stdout.write('up\n')
await runAllWorkers([worker], shutdownSignal())
await database.close()
