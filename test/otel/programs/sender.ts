// Enqueues in a span, in each way there is, and says which span sent which job.
import { trace } from '@opentelemetry/api'
import { Runtime, runAllWorkers } from 'runutil'
import { instrument } from 'runutil/otel'
import { PostgresJobStore, openDatabase } from 'runutil/postgres'
import { JobQueue } from 'runutil/queue'
import { pino } from 'pino'
import { openTelemetry } from '../../support/otel/open-telemetry.ts'

const telemetry = openTelemetry()
const database = await openDatabase(process.argv[2]!)
const queue = new JobQueue(new PostgresJobStore(database))
const stop = new AbortController()
const runtime = new Runtime()
const run = runAllWorkers([instrument({ queue })], stop.signal, {
  runtime,
  logger: pino({ level: 'silent' }),
})
await runtime.ready()
await trace.getTracer('test').startActiveSpan('caller', async (span) => {
  await queue.enqueue({ id: 'plain', kind: 'plain' })
  await queue.enqueue({ id: 'unique', kind: 'unique', unique: 'k' })
  await database.transaction(async (tx) => {
    await queue.enqueue({ id: 'tx', kind: 'tx' }, { tx })
    await tx.query(`select runutil.enqueue('sql', id => 'sql')`)
  })
  await queue.enqueue(Array.from({ length: 300 }, (_, at) => ({ id: `bulk ${at}`, kind: 'bulk' })))
  span.end()
})
stop.abort()
await run
await database.close()
const callers = telemetry.span('caller').spanContext().traceId
const sent = ['plain', 'unique', 'tx', 'bulk'].map(
  (kind) => [kind, telemetry.span(`send ${kind}`).spanContext()] as const,
)
const inTrace = sent.every(([, { traceId }]) => traceId === callers)
process.stdout.write(
  `${JSON.stringify({ inTrace, spans: Object.fromEntries(sent.map(([kind, { spanId }]) => [kind, spanId])) })}\n`,
)
