// A report a night at 02:30 in Berlin, once over all replicas, with retries: distributedCron says when, and a job of the queue, with
// the instant in its id, does it. The night in which the clocks go forward has its report right after the gap. Of the instants that
// come while no replica is up, the latest runs late, and the report says how many are missing. With `retry` the schedule goes on
// after an error; without it the group ends.
//
// prints:
//   nightly-report/2026-03-28T01:30:00.000Z: report of 28.03.2026
//   nightly-report/2026-03-29T01:00:00.000Z: report of 29.03.2026
//   nightly-report/2026-03-31T00:30:00.000Z: report of 31.03.2026, 1 missed
//   reports: 3, replicas: 2
import { pino } from 'pino'
import { backoff, currentRun, runAllWorkers } from 'runutil'
import { MemoryLeaseStore, distributedCron } from 'runutil/leases'
import { JobQueue, MemoryJobStore, QueueWorker } from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'

const timezone = 'Europe/Berlin'
// Four nights in a moment: the time of day jumps to shortly before a report, at last to a time after two of them. A service leaves
// the clock out, and takes the stores of runutil/postgres.
const times = ['2026-03-28T01:29:50Z', '2026-03-29T00:59:50Z', '2026-03-31T05:00:00Z'].map((time) =>
  Date.parse(time),
)
const clock = new VirtualClock({ now: times[0]!, auto: true })
const leases = new MemoryLeaseStore({ clock })
const queue = new JobQueue(new MemoryJobStore())
const stop = new AbortController()
let reports = 0

interface Report {
  readonly instant: string
  readonly missed: number
}

/** The same id for the same night: enqueued again by the next replica, where one died before it was done, it is done once. */
async function enqueueReport(): Promise<void> {
  const { scheduledFor, missed } = currentRun()!
  const payload: Report = { instant: scheduledFor.toISOString(), missed }
  const id = `nightly-report/${payload.instant}`
  await queue.enqueue({ id, kind: 'nightly-report', payload }, { onExists: 'skip' })
}

const worker = new QueueWorker(queue)
worker.register('nightly-report', async (job) => {
  const { instant, missed } = job.payload as Report
  const day = new Date(instant).toLocaleDateString('de-DE', { timeZone: timezone, dateStyle: 'medium' })
  console.log(`${job.id}: report of ${day}${missed > 0 ? `, ${missed} missed` : ''}`)
  if (++reports === times.length) stop.abort()
  else clock.set(times[reports]!)
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
