import type { Attributes, Span } from '@opentelemetry/api'
import { elapsedNow } from '../core/clock.ts'
import { currentClock } from '../core/context.ts'
import type { TracedContext } from '../core/run-tracer.ts'
import type { NewJob } from '../queue/job-store.ts'
import type { JobTracer, TracedAttempt } from '../queue/job-tracer.ts'
import type { Enqueued, LeasedJob } from '../queue/job.ts'
import type { Settlement } from '../queue/outcome.ts'
import { AttemptSpan } from './attempt-span.ts'
import type { ErrorTypes } from './error-types.ts'
import { type Operation, operationAttributes } from './job-attributes.ts'
import type { JobMeters } from './job-meters.ts'
import { spanContextIn, traceparentOf } from './traceparent.ts'
import type { Telemetry } from './telemetry.ts'

export interface JobSpansProps {
  readonly telemetry: Telemetry
  readonly meters: JobMeters
  readonly errorTypes: ErrorTypes
  /** Whether an attempt is a child of the span that sent its job, rather than a root with a link to it. */
  readonly parent: boolean
}

/** A span for each kind that a call enqueues, and for each attempt at a job; and what is counted beside. */
export class JobSpans implements JobTracer {
  readonly #props: JobSpansProps

  constructor(props: JobSpansProps) {
    this.#props = props
  }

  async enqueue(
    jobs: readonly NewJob[],
    store: (jobs: readonly NewJob[]) => Promise<Enqueued[]>,
  ): Promise<Enqueued[]> {
    const { telemetry, meters, errorTypes } = this.#props
    const counts = countsOf(jobs)
    const spans = new Map([...counts].map(([kind, count]) => [kind, this.#send(kind, count, jobs)]))
    const kind = onlyOf(counts)
    try {
      const enqueued = await this.#timed('enqueue', kind, () => {
        const call = (): Promise<Enqueued[]> => store(this.#traced(jobs, spans))
        return kind === undefined ? call() : telemetry.within(spans.get(kind)!, telemetry.active, call)
      })
      const sent = countsOf(jobs.filter((_, at) => enqueued[at]!.outcome !== 'skipped'))
      for (const [its, count] of sent) meters.sent(its, count)
      return enqueued
    } catch (error) {
      const type = errorTypes.of(error)
      for (const [its, count] of counts) meters.sent(its, count, type)
      for (const span of spans.values()) telemetry.fail(span, type, { error })
      throw error
    } finally {
      for (const span of spans.values()) span.end()
    }
  }

  async claim(kinds: readonly string[], call: () => Promise<LeasedJob[]>): Promise<LeasedJob[]> {
    const jobs = await this.#timed('claim', kinds.length === 1 ? kinds[0] : undefined, call)
    for (const [kind, count] of countsOf(jobs)) this.#props.meters.claimed(kind, count)
    return jobs
  }

  settle<T>(batch: readonly Settlement[], call: () => Promise<T>): Promise<T> {
    return this.#timed('settle', onlyOf(countsOf(batch)), call)
  }

  attempt(job: LeasedJob, context: TracedContext | undefined): TracedAttempt {
    const { telemetry, parent } = this.#props
    const { api, tracer, root } = telemetry
    const sentBy = spanContextIn(job.traceparent)
    const isChild = parent && sentBy !== undefined
    const span = tracer.startSpan(
      `process ${job.kind}`,
      {
        kind: api.SpanKind.CONSUMER,
        attributes: {
          ...spanAttributes('handle', job.kind),
          'messaging.message.id': job.id,
          'runutil.job.attempt': job.attempt,
        },
        ...(sentBy !== undefined && !isChild && { links: [{ context: sentBy }] }),
      },
      isChild ? api.trace.setSpanContext(root, sentBy) : root,
    )
    if (context !== undefined) context.spanIds = telemetry.idsOf(span)
    return new AttemptSpan({ ...this.#props, span, kind: job.kind })
  }

  /** A child of what the caller does. */
  #send(kind: string, count: number, jobs: readonly NewJob[]): Span {
    const { api, tracer } = this.#props.telemetry
    const which: Attributes =
      count === 1
        ? { 'messaging.message.id': jobs.find((job) => job.kind === kind)!.id }
        : { 'messaging.batch.message_count': count }
    return tracer.startSpan(`send ${kind}`, {
      kind: api.SpanKind.PRODUCER,
      attributes: { ...spanAttributes('enqueue', kind), ...which },
    })
  }

  #traced(jobs: readonly NewJob[], spans: ReadonlyMap<string, Span>): readonly NewJob[] {
    const { api } = this.#props.telemetry
    const traceparents = new Map<string, string>()
    for (const [kind, span] of spans) {
      const context = span.spanContext()
      if (api.isSpanContextValid(context)) traceparents.set(kind, traceparentOf(context))
    }
    if (traceparents.size === 0) return jobs
    return jobs.map((job) => ({ ...job, traceparent: traceparents.get(job.kind) }))
  }

  async #timed<T>(operation: Operation, kind: string | undefined, call: () => Promise<T>): Promise<T> {
    const { meters, errorTypes } = this.#props
    const clock = currentClock()
    const startedAt = elapsedNow(clock)
    try {
      const result = await call()
      meters.called(operation, kind, elapsedNow(clock) - startedAt)
      return result
    } catch (error) {
      meters.called(operation, kind, elapsedNow(clock) - startedAt, errorTypes.of(error))
      throw error
    }
  }
}

function spanAttributes(operation: Operation, kind: string): Attributes {
  return { ...operationAttributes(operation), 'messaging.destination.name': kind }
}

function countsOf(all: readonly { readonly kind: string }[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { kind } of all) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return counts
}

/** Undefined for several. */
function onlyOf(counts: ReadonlyMap<string, number>): string | undefined {
  return counts.size === 1 ? [...counts.keys()][0] : undefined
}
