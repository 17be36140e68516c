// A report a night at 02:30 in Berlin, once over all replicas, and each of them for sure: distributedCron says when, and a job
// of the queue, with the instant in its id, does it, with retries. The night in which the clocks go forward has its report
// right after the gap. With `retry` the schedule goes on after an error; without it the group ends.
//
// prints:
//   nightly-report/2026-03-28T01:30:00.000Z: report of 28.03.2026
//   nightly-report/2026-03-29T01:00:00.000Z: report of 29.03.2026
//   nightly-report/2026-03-30T00:30:00.000Z: report of 30.03.2026
//   reports: 3, replicas: 2
import { pino } from 'pino'
import { backoff, currentRun, runAllWorkers } from 'runutil'
import { MemoryLeaseStore, distributedCron } from 'runutil/leases'
import { JobQueue, MemoryJobStore, QueueWorker } from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'

const timezone = 'Europe/Berlin'
const nights = ['2026-03-28T01:30:00Z', '2026-03-29T01:00:00Z', '2026-03-30T00:30:00Z']
// Three nights in a moment: the time of day jumps to the next. A service leaves the clock out, and takes the stores of
// runutil/postgres.
const clock = new VirtualClock({ now: shortlyBefore(nights[0]!), auto: true })
const leases = new MemoryLeaseStore({ clock })
const queue = new JobQueue(new MemoryJobStore())
const stop = new AbortController()
let reports = 0

/** The same id for the same night: enqueued twice, it is done once. */
async function enqueueReport(): Promise<void> {
  const instant = currentRun()!.scheduledFor.toISOString()
  const id = `nightly-report/${instant}`
  await queue.enqueue({ id, kind: 'nightly-report', payload: { instant } })
}

const worker = new QueueWorker(queue)
worker.register('nightly-report', async (job) => {
  const { instant } = job.payload as { instant: string }
  const day = new Date(instant).toLocaleDateString('de-DE', { timeZone: timezone, dateStyle: 'medium' })
  console.log(`${job.id}: report of ${day}`)
  if (++reports === nights.length) stop.abort()
  else clock.set(shortlyBefore(nights[reports]!))
})

const replicas = ['A', 'B'].map((name) => ({
  name,
  worker: distributedCron(leases, 'nightly-report', '30 2 * * *', enqueueReport, { timezone }),
  retry: backoff('10s'),
}))
// Without the starts and stops of workers.
const logger = pino({ level: 'warn' })
await runAllWorkers([...replicas, { name: 'Reports', worker }], stop.signal, { clock, logger })
console.log(`reports: ${reports}, replicas: ${replicas.length}`)

function shortlyBefore(night: string): number {
  return Date.parse(night) - 10_000
}
