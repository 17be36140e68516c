import { trace } from '@opentelemetry/api'
import { pino } from 'pino'
import { Runtime, runAllWorkers } from 'runutil'
import { instrument } from 'runutil/otel'
import { PostgresJobStore, migrate, openDatabase } from 'runutil/postgres'
import { JobQueue, QueueWorker } from 'runutil/queue'
import { Probe } from 'runutil/testing'
import { expect, it } from 'vitest'
import { openTelemetry } from '../support/otel/open-telemetry.ts'
import { freshDatabase } from '../support/postgres/databases.ts'
import { Program } from '../support/program.ts'

const KINDS = ['plain', 'unique', 'tx', 'sql', 'bulk']

it('the attempts at a job link to the span that sent it from another process, also in a transaction, but not by SQL', async () => {
  const { url, drop } = await freshDatabase()
  const database = await openDatabase(url)
  await migrate(database)
  const sender = await new Program({ path: 'test/otel/programs/sender.ts', args: [url] }).exit
  expect(sender).toMatchObject({ code: 0, errors: [] })
  const { inTrace, spans } = JSON.parse(sender.output[0]!) as {
    inTrace: boolean
    spans: Record<string, string>
  }
  expect(inTrace).toBe(true)

  const telemetry = openTelemetry()
  const queue = new JobQueue(new PostgresJobStore(database))
  const handled = new Probe<string | undefined>('handled')
  const worker = new QueueWorker(queue)
  for (const kind of KINDS) {
    worker.register(kind, () => void handled.hit(trace.getActiveSpan()?.spanContext().spanId))
  }
  const stop = new AbortController()
  const runtime = new Runtime()
  const run = runAllWorkers([worker, instrument({ queue })], stop.signal, {
    runtime,
    logger: pino({ level: 'silent' }),
  })
  await handled.times(304)
  stop.abort()
  await run
  const attempts = telemetry.spans().filter(({ name }) => name.startsWith('process '))
  expect(new Set(handled.values)).toEqual(new Set(attempts.map((span) => span.spanContext().spanId)))
  const linked = attempts.map(
    ({ name, links }) => `${name}: ${links.map(({ context }) => context.spanId).join()}`,
  )
  expect(new Set(linked)).toEqual(
    new Set(KINDS.map((kind) => `process ${kind}: ${kind === 'sql' ? '' : spans[kind]}`)),
  )
  expect(attempts).toHaveLength(304)
  await telemetry.close()
  await database.close()
  await drop()
})
