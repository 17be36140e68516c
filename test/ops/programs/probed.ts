// A process with an OpsServer, which stops, hangs, or has lost its database, as its argument says. Prints where it is reached.
import { connect } from 'node:net'
import { type Runnable, runAllWorkers, shutdownSignal, wait } from 'runutil'
import { OpsServer } from 'runutil/ops'
import { answerOf } from './answer-of.ts'

const [way, port] = process.argv.slice(2)

const database = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => {
      socket.destroy()
      resolve()
    })
    socket.on('error', reject)
  })

const ops = new OpsServer({ port: 0, ...(way === 'database' && { checks: { database } }) })

/** Asks for the probes at the very end of its stop. */
async function slow(signal: AbortSignal): Promise<void> {
  console.log(`serves ${ops.url}`)
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  console.log('aborted')
  await wait('300ms')
  const probes = ['livez', 'readyz', 'startupz']
  const statuses = probes.map(async (probe) => `${probe} ${await answerOf(ops.url! + probe)}`)
  console.log(`at the end: ${(await Promise.all(statuses)).join(', ')}`)
}

const deaf = {
  name: 'Deaf',
  worker: () => new Promise<void>(() => {}),
  watchdog: '200ms',
  stopTimeout: '100ms',
}
const workers: Runnable[] = [
  { name: 'Slow', worker: slow },
  { name: 'Ops', worker: ops },
]
if (way === 'hung') workers.push(deaf)
await runAllWorkers(workers, shutdownSignal({ delay: '2s' }))
