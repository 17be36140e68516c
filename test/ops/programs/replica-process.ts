// A process with a page elsewhere: replica-process.ts <url> <name>. Prints each run of its worker '/Tick'; those of '/Hang' never end.
import { repeat, runAllWorkers, shutdownSignal } from 'runutil'
import { PostgresReplicaStore, openDatabase } from 'runutil/postgres'
import { replica } from '../../../packages/runutil/src/ops/replicas/replica.ts'

const [url, name] = process.argv.slice(2)
const database = await openDatabase(url!)
const workers = [
  { name: 'Tick', worker: repeat('1d', () => void process.stdout.write(`${name} ran\n`)) },
  {
    name: 'Hang',
    worker: repeat('1d', () => {
      process.stdout.write(`${name} hangs\n`)
      return new Promise<void>(() => {})
    }),
  },
  { name: 'Replica', worker: replica(new PostgresReplicaStore(database), { name: name! }) },
]
await runAllWorkers(workers, shutdownSignal(), { grace: '2s' })
await database.close()
process.stdout.write(`${name} has ended\n`)
