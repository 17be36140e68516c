import type { Histogram, Span } from '@opentelemetry/api'
import { elapsedNow } from '../core/clock.ts'
import { currentClock } from '../core/context.ts'
import { isAbortOf } from '../core/is-abort-of.ts'
import type { RunTracer, TracedContext } from '../core/run-tracer.ts'
import { LONG_DURATION_BOUNDS } from './duration-bounds.ts'
import type { ErrorTypes } from './error-types.ts'
import type { Telemetry } from './telemetry.ts'
import type { WorkerNames } from './worker-names.ts'

export interface RunSpansProps {
  readonly telemetry: Telemetry
  readonly errorTypes: ErrorTypes
  readonly names: WorkerNames
}

/** A span for each run of a repeat or a cron, and its duration. */
export class RunSpans implements RunTracer {
  readonly #props: RunSpansProps
  readonly #durations: Histogram

  constructor(props: RunSpansProps) {
    this.#props = props
    this.#durations = props.telemetry.meter.createHistogram('runutil.run.duration', {
      description: 'How long the runs of a worker took',
      unit: 's',
      advice: { explicitBucketBoundaries: LONG_DURATION_BOUNDS },
    })
  }

  outside<T>(body: () => T): T {
    const { api, root } = this.#props.telemetry
    return api.context.with(root, body)
  }

  run<T>(context: TracedContext, signal: AbortSignal, body: () => T): T {
    const { telemetry } = this.#props
    const { api, tracer, root } = telemetry
    const options = { kind: api.SpanKind.INTERNAL, attributes: { 'runutil.worker.name': context.name } }
    const span = tracer.startSpan(`run ${context.name}`, options, root)
    context.spanIds = telemetry.idsOf(span)
    const ended = this.#ender(context.name, signal, span)
    let result: T
    try {
      result = telemetry.within(span, root, body)
    } catch (error) {
      ended({ error })
      throw error
    }
    if (typeof (result as PromiseLike<unknown> | undefined)?.then !== 'function') {
      ended()
      return result
    }
    return settled(result as PromiseLike<unknown>, ended) as T
  }

  #ender(worker: string, signal: AbortSignal, span: Span): (thrown?: { error: unknown }) => void {
    const { telemetry, errorTypes, names } = this.#props
    const clock = currentClock()
    const startedAt = elapsedNow(clock)
    return (thrown) => {
      // A stop is no failure.
      const hasFailed = thrown !== undefined && !isAbortOf(signal, thrown.error)
      const errorType = hasFailed ? errorTypes.of(thrown.error) : undefined
      if (errorType !== undefined) telemetry.fail(span, errorType, thrown)
      span.end()
      this.#durations.record((elapsedNow(clock) - startedAt) / 1_000, {
        'runutil.worker.name': names.of(worker),
        ...(errorType !== undefined && { 'error.type': errorType }),
      })
    }
  }
}

async function settled<T>(result: PromiseLike<T>, ended: (thrown?: { error: unknown }) => void): Promise<T> {
  try {
    const value = await result
    ended()
    return value
  } catch (error) {
    ended({ error })
    throw error
  }
}
