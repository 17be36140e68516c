import { SpanKind, SpanStatusCode, context, trace } from '@opentelemetry/api'
import { backoff, currentLogger, runAllWorkers, wait } from 'runutil'
import { instrument } from 'runutil/otel'
import { JobQueue, MemoryJobStore, QueueWorker, RetryableError } from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type OpenTelemetry, openTelemetry } from '../support/otel/open-telemetry.ts'
import { instrumented } from '../support/otel/instrumented.ts'

let telemetry: OpenTelemetry
beforeEach(() => {
  telemetry = openTelemetry()
})
afterEach(() => telemetry.close())

/** Calls `body` in a span of that name. */
function inSpan<T>(name: string, body: () => Promise<T>): Promise<T> {
  return trace.getTracer('test').startActiveSpan(name, (span) => body().finally(() => span.end()))
}

const idOf = (name: string): string => telemetry.span(name).spanContext().spanId
const traceOf = (name: string): string => telemetry.span(name).spanContext().traceId

describe('the spans of jobs', () => {
  it('are one that sends the job, in the trace of its caller, and one for each attempt, with a link to it', async () => {
    const { queue, clock, settled, stop } = await instrumented()
    await inSpan('caller', () => queue.enqueue({ id: '1', kind: 'A' }))
    await clock.advance(0)
    expect(settled.values).toEqual(['DONE'])
    const send = telemetry.span('send a')
    expect(send).toMatchObject({ kind: SpanKind.PRODUCER, parentSpanContext: { spanId: idOf('caller') } })
    expect(send.attributes).toEqual({
      'messaging.system.name': 'runutil',
      'messaging.operation.name': 'enqueue',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'a',
      'messaging.message.id': '1',
    })
    const process = telemetry.span('process a')
    expect(process).toMatchObject({ kind: SpanKind.CONSUMER, parentSpanContext: undefined })
    expect(process.links).toMatchObject([{ context: { spanId: idOf('send a'), traceId: traceOf('caller') } }])
    expect(process.spanContext().traceId).not.toBe(traceOf('caller'))
    expect(process.attributes).toEqual({
      'messaging.system.name': 'runutil',
      'messaging.operation.name': 'handle',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'a',
      'messaging.message.id': '1',
      'runutil.job.attempt': 1,
      'runutil.job.outcome': 'done',
    })
    expect(process.status).toEqual({ code: SpanStatusCode.UNSET })
    expect((await queue.get('1'))?.traceparent).toBe(`00-${traceOf('caller')}-${idOf('send a')}-01`)
    await stop()
  })

  it('are one trace with parent: true', async () => {
    const { queue, clock, stop } = await instrumented({ parent: true })
    await inSpan('caller', () => queue.enqueue({ kind: 'a' }))
    await clock.advance(0)
    const process = telemetry.span('process a')
    expect(process.spanContext().traceId).toBe(traceOf('caller'))
    expect(process.parentSpanContext).toMatchObject({ spanId: idOf('send a'), isRemote: true })
    expect(process.links).toEqual([])
    await stop()
  })

  it.for([true, false])('are a root for a job that no span has sent, parent: %s', async (parent) => {
    const clock = new VirtualClock()
    const store = new MemoryJobStore({ clock })
    await new JobQueue(store).enqueue({ kind: 'a' })
    const { stop } = await instrumented({ parent, store: () => store })
    await clock.advance(0)
    expect(telemetry.spans('send a')).toEqual([])
    expect(telemetry.span('process a')).toMatchObject({ parentSpanContext: undefined, links: [] })
    await stop()
  })

  it('are one for each kind of a call, with how many jobs it has', async () => {
    const { queue, stop } = await instrumented()
    const { id } = await queue.enqueue({ kind: 'c' })
    await queue.enqueue([{ kind: 'a' }, { kind: 'b', id: 'b' }, { kind: 'a' }])
    expect(telemetry.span('send a').attributes).toMatchObject({ 'messaging.batch.message_count': 2 })
    expect(telemetry.span('send a').attributes).not.toHaveProperty('messaging.message.id')
    expect(telemetry.span('send b').attributes).toMatchObject({ 'messaging.message.id': 'b' })
    const sent = [await queue.get('b'), await queue.get(id)].map((job) => job?.traceparent)
    expect(sent).toEqual([
      `00-${traceOf('send b')}-${idOf('send b')}-01`,
      `00-${traceOf('send c')}-${idOf('send c')}-01`,
    ])
    await stop()
  })

  it('have the error of a call that the store refuses', async () => {
    const { queue, stop } = await instrumented()
    await queue.enqueue({ id: '1', kind: 'b' })
    await expect(queue.enqueue({ id: '1', kind: 'c' })).rejects.toThrow()
    const { status, attributes, events } = telemetry.span('send c')
    expect(status.code).toBe(SpanStatusCode.ERROR)
    expect(attributes['error.type']).toBe('ERR_JOB_EXISTS')
    expect(events.map(({ name }) => name)).toEqual(['exception'])
    await stop()
  })

  const outcomes: [name: string, thrown: unknown, type: string, outcome: string][] = [
    ['an error', Object.assign(new Error('no'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED', 'failed'],
    ['an error without a code', new Error('no'), 'Error', 'failed'],
    ['a panic', new TypeError('no'), 'TypeError', 'panic'],
    ['a value that is no error', 'no', 'Error', 'panic'],
    [
      'a retry',
      new RetryableError({ cause: new Error('no'), retryAfter: '1h' }),
      'RetryableError',
      'retried',
    ],
  ]
  it.for(outcomes)('have the failure of an attempt: %s', async ([, thrown, type, outcome]) => {
    const handler = (): never => {
      throw thrown
    }
    const { queue, clock, stop } = await instrumented({ handler })
    await queue.enqueue({ kind: 'a' })
    await clock.advance(0)
    const { status, attributes, events } = telemetry.span('process a')
    expect(status.code).toBe(SpanStatusCode.ERROR)
    expect(attributes).toMatchObject({ 'runutil.job.outcome': outcome })
    expect(String(attributes['error.type'])).toMatch(new RegExp(`^(${type}|ERR_\\w+)$`))
    expect(events.map(({ name }) => name)).toEqual(['exception'])
    await stop()
  })

  it('have what is wrong with a result, though nothing was thrown', async () => {
    const { queue, clock, stop } = await instrumented({ handler: () => 1n })
    await queue.enqueue({ kind: 'a' })
    await clock.advance(0)
    const { status, attributes, events } = telemetry.span('process a')
    expect(status).toEqual({
      code: SpanStatusCode.ERROR,
      message: expect.stringMatching(/^panic: /) as string,
    })
    expect(attributes).toMatchObject({ 'runutil.job.outcome': 'panic', 'error.type': 'panic' })
    expect(events).toEqual([])
    await stop()
  })

  it('are one for each attempt, all with the same link', async () => {
    let attempts = 0
    const handler = (): void => {
      if (++attempts < 3) throw new Error('no')
    }
    const { queue, clock, stop } = await instrumented({
      handler,
      kind: { attempts: 3, backoff: backoff('1s') },
    })
    await queue.enqueue({ kind: 'a' })
    await clock.advance(60_000)
    const spans = telemetry.spans('process a')
    expect(spans.map(({ attributes }) => attributes['runutil.job.outcome'])).toEqual([
      'retried',
      'retried',
      'done',
    ])
    expect(spans.map(({ attributes }) => attributes['runutil.job.attempt'])).toEqual([1, 2, 3])
    expect(new Set(spans.map(({ links }) => links[0]!.context.spanId))).toEqual(new Set([idOf('send a')]))
    expect(new Set(spans.map((span) => span.spanContext().traceId)).size).toBe(3)
    await stop()
  })

  it('call a stop no failure', async () => {
    const handler = (_: unknown, signal: AbortSignal): Promise<void> =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    const { queue, clock, stop } = await instrumented({ handler })
    await queue.enqueue({ kind: 'a' })
    await clock.advance(0)
    await stop()
    const { status, attributes } = telemetry.span('process a')
    expect(status.code).toBe(SpanStatusCode.UNSET)
    expect(attributes).toMatchObject({ 'runutil.job.outcome': 'stopped' })
  })

  it('are the spans that handlers run in: their own spans, jobs and lines of the log belong to them', async () => {
    const handler = async (): Promise<void> => {
      await wait('1s')
      await inSpan('query', async () => {})
      await queue.enqueue({ kind: 'b' })
      currentLogger().info('handled')
    }
    const { queue, clock, lines, runtime, stop } = await instrumented({ handler })
    await queue.enqueue({ kind: 'a' })
    await clock.advance(500)
    const { running } = runtime.get('/Jobs')!.detail as { running: { traceId: string }[] }
    await clock.advance(500)
    const process = { spanId: idOf('process a') }
    expect(telemetry.span('query').parentSpanContext).toMatchObject(process)
    expect(telemetry.span('send b').parentSpanContext).toMatchObject(process)
    const line = lines.find(({ msg }) => msg === 'handled')
    expect(line).toMatchObject({
      worker: '/Jobs',
      trace_id: traceOf('process a'),
      span_id: idOf('process a'),
    })
    expect(line).not.toHaveProperty('traceId')
    expect(running.map(({ traceId }) => traceId)).toEqual([traceOf('process a')])
    await stop()
  })

  it('are told of jobs that are dequeued one by one, within the span of the caller', async () => {
    const { queue, stop } = await instrumented()
    await queue.enqueue({ kind: 'b' })
    await queue.dequeue(['b'], async (job) => {
      await inSpan('query', async () => {})
      return { ...job, status: 'DONE' }
    })
    expect(telemetry.span('query').parentSpanContext).toMatchObject({ spanId: idOf('process b') })
    expect(telemetry.span('process b').links).toMatchObject([{ context: { spanId: idOf('send b') } }])
    await queue.enqueue({ kind: 'c' })
    const thrown = queue.dequeue(['c'], () => Promise.reject(new RangeError('no')))
    await expect(thrown).rejects.toThrow('no')
    expect(telemetry.span('process c').attributes).toMatchObject({
      'error.type': 'RangeError',
      'runutil.job.outcome': 'released',
    })
    await stop()
  })

  it('are none of what a worker does by itself, whoever has started it or sends it jobs', async () => {
    const clock = new VirtualClock()
    const store = new MemoryJobStore({ clock })
    const seen = new Map<string, Set<string>>()
    const watched = new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return (...args: unknown[]): unknown => {
          const span = trace.getActiveSpan() as { name?: string } | undefined
          const method = String(name)
          seen.set(method, (seen.get(method) ?? new Set()).add(span?.name ?? 'none'))
          return (value as (...args: unknown[]) => unknown).apply(target, args)
        }
      },
    })
    const queue = new JobQueue(watched)
    const worker = new QueueWorker(queue, { lease: '10s' }).register('a', () => wait('1m'))
    const stop = new AbortController()
    const ended = inSpan('main', () => runAllWorkers([instrument({ queue }), worker], stop.signal, { clock }))
    await clock.advance(0)
    for (const id of ['1', '2']) {
      await inSpan('request', () => queue.enqueue({ id, kind: 'a' }))
      await clock.advance(120_000)
    }
    expect((await queue.get('2'))?.status).toBe('DONE')
    stop.abort()
    await clock.advance(0)
    await ended
    for (const method of ['claim', 'renew', 'settle', 'setRules', 'listen', 'addMinutes']) {
      expect([method, ...(seen.get(method) ?? [])]).toEqual([method, 'none'])
    }
    expect([...seen.get('insert')!]).toEqual(['send a'])
  })

  it('end with the instrument: later jobs have none, and no trace context', async () => {
    const { queue, stop } = await instrumented()
    await stop()
    const { id } = await queue.enqueue({ kind: 'b' })
    expect(await queue.get(id)).not.toHaveProperty('traceparent')
    expect(telemetry.spans()).toEqual([])
    expect(context.active()).toBeDefined()
  })

  it('are none without an SDK, and jobs then have no trace context', async () => {
    await telemetry.close()
    const { queue, clock, settled, lines, stop } = await instrumented({
      handler: () => currentLogger().info('handled'),
    })
    const { id } = await queue.enqueue({ kind: 'a' })
    await clock.advance(0)
    expect(settled.values).toEqual(['DONE'])
    expect(await queue.get(id)).not.toHaveProperty('traceparent')
    expect(lines.find(({ msg }) => msg === 'handled')).toHaveProperty('traceId')
    await stop()
    telemetry = openTelemetry()
  })
})
