import type { TracedContext } from '../core/run-tracer.ts'
import type { NewJob } from './job-store.ts'
import type { Enqueued, LeasedJob } from './job.ts'
import type { Outcome, Settlement } from './outcome.ts'

/** Follows jobs through a queue, as `instrument` of runutil/otel does. It rejects and throws only as the calls that it is given. */
export interface JobTracer {
  /** Jobs are enqueued. @param store stores them, perhaps with a `traceparent` each */
  enqueue(
    jobs: readonly NewJob[],
    store: (jobs: readonly NewJob[]) => Promise<Enqueued[]>,
  ): Promise<Enqueued[]>
  /** @param call asks the store for jobs of these kinds */
  claim(kinds: readonly string[], call: () => Promise<LeasedJob[]>): Promise<LeasedJob[]>
  /** @param call has the store record these outcomes */
  settle<T>(batch: readonly Settlement[], call: () => Promise<T>): Promise<T>
  /** A handler is about to be called. @param context that it runs in; undefined: one of its caller's */
  attempt(job: LeasedJob, context: TracedContext | undefined): TracedAttempt
}

/** One call of a handler. */
export interface TracedAttempt {
  run<T>(handler: () => T): T
  ended(end: AttemptEnd): void
}

export interface AttemptEnd {
  /** Undefined: the job was released. */
  readonly outcome: Outcome | undefined
  /** What the handler threw, or was aborted with. */
  readonly error?: unknown
  readonly durationMs: number
  /** How long the job waited from its `runAt`; undefined: unknown. */
  readonly waitMs?: number
}
