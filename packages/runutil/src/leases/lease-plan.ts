import type { ScheduledRun } from '../core/context.ts'
import type { LeaseAnswer, LeaseTerms } from './lease-store.ts'

/** How often a worker requests a lease that another holds and may release at any time. */
export const POLL_MS = 1_000

/** When leased work is due: what to request from the store, and how to use its answer. Each run of a worker has its own. */
export interface LeasePlan {
  /** Whether the work runs again when a run has ended. */
  readonly isRepeated: boolean
  terms(): Omit<LeaseTerms, 'leaseMs'>
  /** @returns if the lease was refused, how long to wait before the next request */
  onAnswer(answer: LeaseAnswer): Promise<number> | number
  /** The run for which the lease was acquired. */
  readonly run: ScheduledRun | undefined
  /** How long a run takes before it is slow; undefined: never. */
  slowAfterMs(): number | undefined
  /** What the tree shows of it. */
  detail?(): object
}

/** The work is due at once, and only once: when it ends by itself, it is not called again. */
export class OncePlan implements LeasePlan {
  readonly isRepeated = false
  readonly run = undefined

  terms(): Omit<LeaseTerms, 'leaseMs'> {
    return { everyMs: undefined }
  }

  onAnswer(answer: LeaseAnswer): number {
    return untilNextRequest(answer)
  }

  slowAfterMs(): undefined {
    return undefined
  }
}

/** How long to wait before the next request. Once the lease is due, its holder may release it at any time. */
export function untilNextRequest(answer: LeaseAnswer): number {
  if (answer.kind === 'acquired') return 0
  const { freeInMs, dueInMs } = answer
  return Math.max(1, freeInMs > 0 ? Math.min(freeInMs, Math.max(dueInMs, POLL_MS)) : dueInMs)
}

/** The longest time between two requests, which also find out whether a replica that started later has another schedule. */
export const LONGEST_WAIT_MS = 60_000
