import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { type Worker, type WorkerFunc, backoff, currentLogger, repeat, wait } from 'runutil'
import { cron } from 'runutil/cron'
import { MemoryLeaseStore, distributedCron, distributedRepeat, singleton } from 'runutil/leases'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type OpenTelemetry, openTelemetry } from '../support/otel/open-telemetry.ts'
import { instrumented } from '../support/otel/instrumented.ts'

let telemetry: OpenTelemetry
beforeEach(() => {
  telemetry = openTelemetry()
})
afterEach(() => telemetry.close())

/** What a run does: it takes a second, and tells so within its span. */
async function run(signal?: AbortSignal): Promise<void> {
  await wait('1s', signal)
  trace.getTracer('test').startSpan('query').end()
  currentLogger().info('run')
}

describe('the spans of runs', () => {
  const repeated: [name: string, make: (leases: MemoryLeaseStore) => Worker | WorkerFunc][] = [
    ['repeat', () => repeat('1m', run)],
    ['repeat with a timeout', () => repeat('1m', run, { timeout: '30s' })],
    ['cron', () => cron('* * * * *', run)],
    ['distributedRepeat', (leases) => distributedRepeat(leases, 'run', '1m', run)],
    ['distributedCron', (leases) => distributedCron(leases, 'run', '* * * * *', run)],
  ]
  it.for(repeated)(
    'are a root for each run of %s, in which its own spans and lines are',
    async ([, make]) => {
      const { clock, lines, stop } = await instrumented({
        others: (clock) => [{ name: 'Rates', worker: make(new MemoryLeaseStore({ clock })) }],
      })
      await clock.advance(185_000)
      const spans = telemetry.spans('run /Rates')
      expect(spans.length).toBeGreaterThanOrEqual(2)
      for (const span of spans) {
        expect(span).toMatchObject({ kind: SpanKind.INTERNAL, parentSpanContext: undefined, links: [] })
        expect(span.attributes).toEqual({ 'runutil.worker.name': '/Rates' })
        expect(span.status.code).toBe(SpanStatusCode.UNSET)
      }
      const ids = spans.map((span) => span.spanContext().spanId)
      expect(telemetry.spans('query').map((span) => span.parentSpanContext?.spanId)).toEqual(ids)
      const its = lines.filter(({ msg }) => msg === 'run')
      expect(its.map(({ span_id }) => span_id)).toEqual(ids)
      expect(its.map(({ trace_id }) => trace_id)).toEqual(spans.map((span) => span.spanContext().traceId))
      expect(
        (await telemetry.collect()).durations('runutil.run.duration', { 'runutil.worker.name': '/Rates' }),
      ).toEqual({
        count: spans.length,
        sum: spans.length,
      })
      await stop()
    },
  )

  it('are told of runs that return nothing to wait for', async () => {
    const { clock, stop } = await instrumented({
      others: [{ name: 'Rates', worker: repeat('1m', () => {}) }],
    })
    await clock.advance(60_000)
    expect(telemetry.span('run /Rates').status.code).toBe(SpanStatusCode.UNSET)
    await stop()
  })

  const failing: [name: string, job: () => Promise<void> | void][] = [
    ['rejects', () => Promise.reject(new RangeError('no'))],
    [
      'throws',
      () => {
        throw new RangeError('no')
      },
    ],
  ]
  it.for(failing)('have the error of a run that %s', async ([, job]) => {
    const worker = { name: 'Rates', worker: repeat('1m', job), retry: backoff('1h') }
    const { clock, stop } = await instrumented({ others: [worker] })
    await clock.advance(61_000)
    const { status, attributes, events } = telemetry.span('run /Rates')
    expect(status).toEqual({ code: SpanStatusCode.ERROR, message: 'no' })
    expect(attributes['error.type']).toBe('RangeError')
    expect(events.map(({ name }) => name)).toEqual(['exception'])
    const metrics = await telemetry.collect()
    const its = { 'runutil.worker.name': '/Rates', 'error.type': 'RangeError' }
    expect(metrics.durations('runutil.run.duration', its).count).toBe(1)
    await stop()
  })

  it('have a timeout as an error, but not a stop', async () => {
    const hangs = (signal: AbortSignal): Promise<void> =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    const others = [
      { name: 'Slow', worker: repeat('1m', hangs, { timeout: '5s' }), retry: backoff('1h') },
      { name: 'Stopped', worker: repeat('1m', hangs) },
      { name: 'StoppedCron', worker: cron('* * * * *', hangs) },
    ]
    const { clock, stop } = await instrumented({ others })
    await clock.advance(66_000)
    await stop()
    expect(telemetry.span('run /Slow').attributes['error.type']).toBe('ERR_RUN_TIMEOUT')
    for (const name of ['run /Stopped', 'run /StoppedCron']) {
      expect(telemetry.span(name).status.code).toBe(SpanStatusCode.UNSET)
    }
  })

  it('are none of a worker without runs, nor is it in the span of its starter', async () => {
    const seen: (string | undefined)[] = []
    const plain = async (signal: AbortSignal): Promise<void> => {
      seen.push(trace.getActiveSpan()?.spanContext().spanId)
      await wait('1h', signal)
    }
    await trace.getTracer('test').startActiveSpan('main', async (span) => {
      const { clock, stop } = await instrumented({
        others: (clock) => [
          { name: 'Plain', worker: plain },
          { name: 'Once', worker: singleton(new MemoryLeaseStore({ clock }), 'once', plain) },
        ],
      })
      await clock.advance(5_000)
      await stop()
      span.end()
    })
    expect(seen).toEqual([undefined, undefined])
    expect(telemetry.spans().map(({ name }) => name)).toEqual(['main'])
  })
})
