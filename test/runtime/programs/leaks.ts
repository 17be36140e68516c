// Runs groups, repeats, retries and waits many times on one long-lived signal, and prints what is left of them.
// Started with --expose-gc.
import { getEventListeners } from 'node:events'
import pino from 'pino'
import { backoff, repeat, retry, retryJob, runAllJobs, runAllWorkers, wait } from 'runutil'
import { VirtualClock } from 'runutil/testing'

const runs = Number(process.argv[2])
const long = new AbortController()
const logger = pino({ level: 'silent' })
const clock = new VirtualClock({ auto: true })
const options = { clock, logger }
const fails = (): never => {
  throw new Error('over')
}

const kinds = [
  () =>
    runAllWorkers([repeat(5, fails), (signal) => wait('1h', signal)], long.signal, options).catch(() => {}),
  () => runAllJobs([retryJob(once(fails), backoff(1)), () => wait(3, long.signal)], long.signal, options),
  () => Promise.all([wait(1, long.signal), wait(0, long.signal)]).then(() => {}),
  // In real time, where a wait of an hour must release its native timer.
  () =>
    runAllWorkers([fails, (signal) => wait('1h', signal)], long.signal, { logger, grace: '1m' }).catch(
      () => {},
    ),
  async () => {
    const own = new AbortController()
    const worker = retry(
      repeat('1m', () => own.abort(), { startImmediately: true }),
      backoff('1s'),
    )
    await runAllWorkers(
      [worker, { name: 'idle', worker: repeat('1d', fails), retry: backoff('1s') }],
      own.signal,
      options,
    )
  },
]

await many(2_000)
const before = heap()
await many(runs)
// Some more turns of the event loop for whatever is still pending.
for (let turns = 0; turns < 20; turns++) await wait(0)
const listeners = getEventListeners(long.signal, 'abort').length
console.log(
  JSON.stringify({
    listeners,
    timers: clock.pending,
    resources: resources(),
    heapGrowth: heap() - before,
  }),
)

async function many(count: number): Promise<void> {
  const batch = 100
  for (let done = 0; done < count; done += batch) {
    await Promise.all(Array.from({ length: batch }, (_, at) => kinds[at % kinds.length]!()))
  }
}

/** Fails the first time only. */
function once(fail: () => never): () => void {
  let failed = false
  return () => {
    if (failed) return
    failed = true
    fail()
  }
}

function heap(): number {
  for (let times = 0; times < 4; times++) (globalThis as unknown as { gc: () => void }).gc()
  return process.memoryUsage().heapUsed
}

/** Timers, immediates and requests, but not the handles that the process starts with, such as pipes. */
function resources(): string[] {
  return process.getActiveResourcesInfo().filter((type) => /Timeout|Immediate|Request/.test(type))
}
