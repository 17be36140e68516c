// A day of retries, tested at once: the clock moves only when the test advances it.
//
// prints:
//   29 attempts in a day
//   in minutes: 0, 1, 3, 7, 15, 31, 63, 123, 183, …
//   it took less than a minute
import { strict as assert } from 'node:assert'
import { pino } from 'pino'
import { backoff, runAllWorkers } from 'runutil'
import { VirtualClock } from 'runutil/testing'

const clock = new VirtualClock()
const stop = new AbortController()
const startedAt = performance.now()
const attempts: number[] = []

async function sync(): Promise<void> {
  attempts.push(clock.elapsed() / 60_000)
  throw new Error('the other side is down')
}

const run = runAllWorkers(
  [{ name: 'Sync', worker: sync, retry: backoff({ initial: '1m', max: '1h' }) }],
  stop.signal,
  { clock, logger: pino({ level: 'silent' }) },
)
await clock.advance('1d')
stop.abort()
await run

assert.equal(clock.pending, 0, 'no timer is left')
console.log(`${attempts.length} attempts in a day`)
console.log(`in minutes: ${attempts.slice(0, 9).join(', ')}, …`)
console.log(`it took ${performance.now() - startedAt < 60_000 ? 'less' : 'more'} than a minute`)
