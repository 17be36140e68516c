import type { Counter, Histogram, Meter } from '@opentelemetry/api'
import { DURATION_BOUNDS, LONG_DURATION_BOUNDS } from './duration-bounds.ts'
import type { JobAttributes, Operation } from './job-attributes.ts'

/** What is counted and timed of jobs as they pass. */
export class JobMeters {
  readonly #attributes: JobAttributes
  readonly #begun = new Set<string>()
  readonly #sent: Counter
  readonly #consumed: Counter
  readonly #operations: Histogram
  readonly #handled: Histogram
  readonly #waited: Histogram

  constructor(meter: Meter, attributes: JobAttributes) {
    this.#attributes = attributes
    const seconds = { unit: 's', advice: { explicitBucketBoundaries: DURATION_BOUNDS } }
    this.#sent = meter.createCounter('messaging.client.sent.messages', {
      description: 'Jobs that were enqueued',
      unit: '{message}',
    })
    this.#consumed = meter.createCounter('messaging.client.consumed.messages', {
      description: 'Jobs that were claimed',
      unit: '{message}',
    })
    this.#operations = meter.createHistogram('messaging.client.operation.duration', {
      description: 'How long the store took to enqueue, claim and settle jobs',
      ...seconds,
    })
    this.#handled = meter.createHistogram('messaging.process.duration', {
      description: 'How long handlers of jobs took',
      ...seconds,
    })
    this.#waited = meter.createHistogram('runutil.job.wait.duration', {
      description: 'How long jobs waited from when they were due to their start',
      unit: 's',
      advice: { explicitBucketBoundaries: LONG_DURATION_BOUNDS },
    })
  }

  /** A kind that this process runs has counters from the start. */
  begin(kind: string): void {
    const name = this.#attributes.nameOf(kind)
    if (this.#begun.has(name)) return
    this.#begun.add(name)
    this.sent(kind, 0)
    this.claimed(kind, 0)
  }

  sent(kind: string, count: number, errorType?: string): void {
    this.#sent.add(count, this.#attributes.of('enqueue', kind, errorType))
  }

  claimed(kind: string, count: number): void {
    this.#consumed.add(count, this.#attributes.of('claim', kind))
  }

  /** A call of the store has ended. @param kind undefined: of several */
  called(operation: Operation, kind: string | undefined, durationMs: number, errorType?: string): void {
    this.#operations.record(durationMs / 1_000, this.#attributes.of(operation, kind, errorType))
  }

  handled(kind: string, durationMs: number, errorType?: string): void {
    this.#handled.record(durationMs / 1_000, this.#attributes.of('handle', kind, errorType))
  }

  waited(kind: string, waitMs: number): void {
    this.#waited.record(waitMs / 1_000, this.#attributes.of('handle', kind))
  }
}
