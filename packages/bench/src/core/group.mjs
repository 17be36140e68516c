// One measurement of a group of idle workers, in a process of its own, run with --expose-gc.
// Prints { bytesEach, startMs, abortMs }.
import { pino } from 'pino'
import { repeat, runAllWorkers } from 'runutil'

// Its last line is the result.
const logger = pino({ level: 'warn' })
const [kind, workers] = [process.argv[2], Number(process.argv[3])]

const make = {
  // What most services have: a ticker that waits.
  repeat: () => repeat('1h', async () => {}),
  // What costs least: a function that waits for the abort.
  listen: () => (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
}[kind]

// Once small before, so that neither compiling nor the first AsyncLocalStorage is measured.
await time(1_000)
console.log(JSON.stringify(await time(workers)))
process.exit()

async function time(count) {
  const before = settledHeap()
  const list = Array.from({ length: count }, make)
  const controller = new AbortController()
  const startedAt = performance.now()
  const run = runAllWorkers(list, controller.signal, { logger })
  const startMs = performance.now() - startedAt
  await new Promise((resolve) => setImmediate(resolve))
  const bytesEach = (settledHeap() - before) / count
  const abortedAt = performance.now()
  controller.abort()
  await run
  return { bytesEach, startMs, abortMs: performance.now() - abortedAt }
}

function settledHeap() {
  for (let times = 0; times < 3; times++) gc()
  return process.memoryUsage().heapUsed
}
