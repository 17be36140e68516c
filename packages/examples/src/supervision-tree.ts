// A supervision tree. The cache comes after the database: it starts when the database is ready, and stops before it. The price feed
// crashes shortly after each start; its supervisor restarts it twice, then gives up, and the whole run stops in order.
//
// prints:
//   all are ready:
//     (root) supervisor ready
//       /Storage supervisor ready
//         /Storage/Database worker ready
//         /Storage/Cache worker ready
//       /Feeds supervisor ready
//         /Feeds/Prices worker ready
//   /Feeds/Prices failed: no such host
//   /Feeds/Prices restarts
//   /Feeds/Prices failed: no such host
//   /Feeds/Prices restarts
//   /Feeds/Prices failed: no such host
//   /Feeds gave up: it failed again after 2 restarts within 60000 ms
//   cache written back
//   database closed
//   the run has ended, RestartLimitError: true
//     (root) supervisor failed
//       /Storage supervisor stopped
//         /Storage/Database worker stopped
//         /Storage/Cache worker stopped
//       /Feeds supervisor failed
//         /Feeds/Prices worker failed after 3 runs
import { pino } from 'pino'
import { RestartLimitError, Runtime, type RuntimeEvent, type WorkerNode } from 'runutil'
import { backoff, errorIs, runAllWorkers, supervise, wait, workerReady } from 'runutil'

const storage = supervise(
  [
    { name: 'Database', worker: database },
    { name: 'Cache', worker: cache, after: 'Database' },
  ],
  { strategy: 'rest_for_one' },
)
const feeds = supervise([{ name: 'Prices', worker: prices }], {
  retry: backoff('20ms'),
  intensity: { restarts: 2, within: '1m' },
})
const workers = [
  { name: 'Storage', worker: storage },
  { name: 'Feeds', worker: feeds, after: 'Storage' },
]

const runtime = new Runtime()
// What a log would say too is told by the events here. A service passes shutdownSignal() instead of undefined.
runtime.on(report)
const run = runAllWorkers(workers, undefined, { runtime, grace: '5s', logger: pino({ level: 'silent' }) })
await runtime.ready()
console.log('all are ready:')
print(runtime.tree())
await run.catch((error: unknown) =>
  console.log(`the run has ended, RestartLimitError: ${errorIs(error, RestartLimitError)}`),
)
print(runtime.tree())

async function database(signal: AbortSignal): Promise<void> {
  // Here a real program would connect. Until this call, who comes after it waits.
  workerReady()
  await wait('1h', signal)
  console.log('database closed')
}

async function cache(signal: AbortSignal): Promise<void> {
  await wait('1h', signal)
  console.log('cache written back')
}

async function prices(signal: AbortSignal): Promise<void> {
  await wait('50ms', signal)
  throw new Error('no such host')
}

function report(event: RuntimeEvent): void {
  if (event.type === 'restarting') console.log(`${event.path} restarts`)
  if (event.type === 'gaveUp') console.log(event.error.message)
  if (event.type === 'failed' && event.path === '/Feeds/Prices') {
    console.log(`${event.path} failed: ${event.error.message}`)
  }
}

function print({ path, kind, state, runs, children }: WorkerNode, indent = '  '): void {
  const name = path === '' ? '(root)' : path
  console.log(`${indent}${name} ${kind} ${state}${runs > 1 ? ` after ${runs} runs` : ''}`)
  for (const child of children) print(child, `${indent}  `)
}
