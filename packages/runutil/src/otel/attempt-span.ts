import type { Span } from '@opentelemetry/api'
import type { AttemptEnd, TracedAttempt } from '../queue/job-tracer.ts'
import type { Outcome } from '../queue/outcome.ts'
import type { ErrorTypes } from './error-types.ts'
import type { JobMeters } from './job-meters.ts'
import type { Telemetry } from './telemetry.ts'

export interface AttemptSpanProps {
  readonly telemetry: Telemetry
  readonly meters: JobMeters
  readonly errorTypes: ErrorTypes
  readonly span: Span
  readonly kind: string
}

/** What is told of one attempt at a job. */
export class AttemptSpan implements TracedAttempt {
  readonly #props: AttemptSpanProps

  constructor(props: AttemptSpanProps) {
    this.#props = props
  }

  run<T>(handler: () => T): T {
    const { telemetry, span } = this.#props
    return telemetry.within(span, telemetry.root, handler)
  }

  ended({ outcome, error, durationMs, waitMs }: AttemptEnd): void {
    const { telemetry, meters, errorTypes, span, kind } = this.#props
    const name = nameOf(outcome)
    span.setAttribute('runutil.job.outcome', name)
    const hasFailed = name !== 'done' && name !== 'stopped'
    const errorType = hasFailed ? (error === undefined ? name : errorTypes.of(error)) : undefined
    if (errorType !== undefined) {
      const text = outcome?.status === 'DONE' ? undefined : outcome?.lastError
      telemetry.fail(span, errorType, error === undefined ? undefined : { error }, text)
    }
    span.end()
    meters.handled(kind, durationMs, errorType)
    if (waitMs !== undefined) meters.waited(kind, waitMs)
  }
}

/** A stop is no failure. */
function nameOf(
  outcome: Outcome | undefined,
): 'done' | 'failed' | 'panic' | 'retried' | 'stopped' | 'released' {
  if (outcome === undefined) return 'released'
  switch (outcome.status) {
    case 'DONE':
      return 'done'
    case 'FAILED':
      return 'failed'
    case 'PANIC':
      return 'panic'
    case 'PENDING':
      return outcome.stopped === true ? 'stopped' : 'retried'
    default:
      return outcome satisfies never
  }
}
