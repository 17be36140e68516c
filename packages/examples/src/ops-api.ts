// The operations API of a service, called as an operator would with curl. The service has a queue in the embedded database, a report
// at 06:00 and a worker that fails; who is on this machine may look, who has the token may change things.
//
// prints:
//   GET startupz: 200, readyz: 200, livez: 200
//   /Ops ops ready
//   /Mails queue ready
//   /Report cron ready
//   /Flaky worker restarting: connection refused
//   POST kinds/mail/pause without the token: 401 token
//   POST kinds/mail/pause: 200 {"kind":"mail","paused":true}
//   kind mail: 2 waiting, paused
//   POST kinds/mail/resume: 200 {"kind":"mail","paused":false}
//   job mail-1: DONE "sent to ada"
//   POST workers/Report/trigger: 200 {"path":"/Report","state":"ready","run":"done"}
//   POST workers/Nobody/stop: 404 not-found
//   after the signal to stop, in the delay: readyz 503 shutdown requested by SIGTERM, livez 200
//   stopped
import { pino } from 'pino'
import { Runtime, backoff, runAllWorkers, shutdownSignal } from 'runutil'
import { cron } from 'runutil/cron'
import { OpsServer } from 'runutil/ops'
import { PostgresJobStore, migrate, openDatabase } from 'runutil/postgres'
import { JobQueue, QueueWorker } from 'runutil/queue'

const database = await openDatabase('memory:')
await migrate(database)
const queue = new JobQueue(new PostgresJobStore(database))

const mails = new QueueWorker(queue).register(
  'mail',
  ({ payload }) => `sent to ${(payload as { to: string }).to}`,
)
const report = cron('0 6 * * *', () => {}, { timezone: 'Europe/Berlin' })
const flaky = (): Promise<void> => Promise.reject(new Error('connection refused'))

// In a service, without `port` it is 8090, and the token comes from RUNUTIL_OPS_TOKEN.
const token = 'not-a-real-secret'
const ops = new OpsServer({ queue, port: 0, token })
const runtime = new Runtime()
const run = runAllWorkers(
  [
    { name: 'Ops', worker: ops },
    { name: 'Mails', worker: mails },
    { name: 'Report', worker: report, retry: backoff('1m') },
    { name: 'Flaky', worker: flaky, retry: backoff('1h') },
  ],
  shutdownSignal({ delay: '500ms' }),
  { runtime, logger: pino({ level: 'silent' }) },
)
await runtime.ready('/Report')

const probes = ['startupz', 'readyz', 'livez']
const statuses = await Promise.all(
  probes.map(async (probe) => `${probe}: ${(await fetch(ops.url! + probe)).status}`),
)
console.log(`GET ${statuses.join(', ')}`)

const { workers } = await get<{ workers: Record<string, Worker> }>('state')
for (const [path, { kind, state, lastError }] of Object.entries(workers)) {
  if (path !== '')
    console.log(`${path} ${kind} ${state}${lastError === undefined ? '' : `: ${lastError.message}`}`)
}

console.log(`POST kinds/mail/pause without the token: ${await post('kinds/mail/pause', {})}`)
console.log(`POST kinds/mail/pause: ${await post('kinds/mail/pause')}`)
await queue.enqueue([
  { id: 'mail-1', kind: 'mail', payload: { to: 'ada' } },
  { id: 'mail-2', kind: 'mail', payload: { to: 'bob' } },
])
const { kinds } = await get<{ kinds: Kind[] }>('kinds')
for (const { kind, waiting, paused } of kinds) {
  console.log(`kind ${kind}: ${waiting} waiting${paused ? ', paused' : ''}`)
}
console.log(`POST kinds/mail/resume: ${await post('kinds/mail/resume')}`)
await queue.result('mail-1')
const job = await get<{ status: string; result: unknown }>('jobs/mail-1')
console.log(`job mail-1: ${job.status} ${JSON.stringify(job.result)}`)
console.log(`POST workers/Report/trigger: ${await post('workers/Report/trigger')}`)
console.log(`POST workers/Nobody/stop: ${await post('workers/Nobody/stop')}`)

// As Kubernetes does it; balancers turn away while the server still answers.
process.kill(process.pid, 'SIGTERM')
const ready = await untilNotReady()
const { status } = await fetch(`${ops.url!}livez`)
console.log(`after the signal to stop, in the delay: readyz 503 ${ready.reasons[0]!.why}, livez ${status}`)
await run
await database.close()
console.log('stopped')

interface Worker {
  readonly kind: string
  readonly state: string
  readonly lastError?: { readonly message: string }
}

interface Kind {
  readonly kind: string
  readonly waiting: number
  readonly paused: boolean
}

interface Readiness {
  readonly ok: boolean
  readonly reasons: readonly { readonly who: string; readonly why: string }[]
}

/** curl http://127.0.0.1:8090/api/v1/… */
async function get<T>(path: string): Promise<T> {
  const response = await fetch(`${ops.url!}api/v1/${path}`)
  return (await response.json()) as T
}

/** curl -X POST -H "authorization: Bearer $RUNUTIL_OPS_TOKEN" -H 'x-runutil: 1' --json '{}' http://127.0.0.1:8090/api/v1/… */
async function post(path: string, authorization: Record<string, string> = bearer()): Promise<string> {
  const headers = { 'content-type': 'application/json', 'x-runutil': '1', ...authorization }
  const response = await fetch(`${ops.url!}api/v1/${path}`, { method: 'POST', headers, body: '{}' })
  const answer = (await response.json()) as { code?: string }
  return `${response.status} ${answer.code ?? JSON.stringify(answer)}`
}

function bearer(): Record<string, string> {
  return { authorization: `Bearer ${token}` }
}

/** The signal arrives in one of the next turns of the event loop. */
async function untilNotReady(): Promise<Readiness> {
  for (;;) {
    const answer = (await (await fetch(`${ops.url!}readyz`)).json()) as Readiness
    if (!answer.ok) return answer
  }
}
