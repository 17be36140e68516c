import { offAbort, onAbort } from '../core/abort.ts'
import { AsyncScope, inNewScope } from '../core/async-scope.ts'
import type { Clock } from '../core/clock.ts'
import { Context, newScope, withContext } from '../core/context.ts'
import { unexpected } from '../core/errors.ts'
import { has } from '../core/has.ts'
import type { Progress } from '../core/progress.ts'
import { Attempt } from '../queue/attempt.ts'
import type { LeasedJob } from '../queue/job.ts'
import { judge } from '../queue/judge.ts'
import { type Kind, toClaimedJobs } from '../queue/kind.ts'
import type { EndedAttempt } from './job-outcome.ts'

export interface AttemptJobProps {
  readonly job: LeasedJob
  readonly kinds: ReadonlyMap<string, Kind>
  readonly clock: Clock
  /** Aborts that of the handler. */
  readonly signal?: AbortSignal | undefined
  readonly maxJson?: number | undefined
  readonly onProgress?: (progress: Progress) => void
  /** The results of a job's dependencies. Default: none. */
  readonly dependencies?: ((id: string) => Promise<Record<string, unknown>>) | undefined
}

/** How an attempt of a handler ended, as a worker would have it recorded. */
export interface Attempted extends EndedAttempt {
  readonly durationMs: number
  /** Whether the handler has completed its job in a transaction. */
  readonly isCompleting: boolean
}

/** An attempt at a job while its handler runs. */
export interface OpenAttempt {
  readonly ended: Promise<Attempted>
  /** Its job is being completed in a transaction. */
  completing(): void
}

/** Calls the handler of a job as a worker does: with a signal, a deadline and a context of its own. Never rejects. */
export function attemptJob(props: AttemptJobProps): OpenAttempt {
  const { job, kinds, clock, signal, maxJson, onProgress, dependencies = () => Promise.resolve({}) } = props
  const [claimed] = toClaimedJobs([job], kinds, dependencies)
  const kind = kinds.get(job.kind)!
  const attempt = new Attempt({
    job: claimed!,
    kind,
    clock,
    stores: new AsyncScope(),
    context: new Context(newScope({ clock }), '').child(),
    onReport: () => {},
    onProgress: ({ context }) => onProgress?.(context.progress!),
  })
  const abort = (): void => attempt.abort(signal?.reason)
  onAbort(signal, abort)
  const run = async (): Promise<Attempted> => {
    const result = await inNewScope(() => withContext(attempt.context, () => attempt.run()))
    const { job: its, durationMs, isCompleting, context } = attempt
    attempt.ended()
    offAbort(signal, abort)
    const outcome = judge(result, { job: its, retries: kind.retries, maxJson })
    return { job: its, outcome, result, durationMs, isCompleting, progress: context.progress }
  }
  return { ended: run(), completing: () => void (attempt.isCompleting = true) }
}

/** @throws InvalidArgumentError unless it is one on which time can be read and passes */
export function checkClock(clock: Clock, what: string): Clock {
  if (has(clock, 'now') && has(clock, 'elapsed') && has(clock, 'setTimeoutAt')) return clock
  throw unexpected(`${what}: clock`, 'a Clock, such as new VirtualClock()', clock)
}
