import type { ScheduledRun } from '../core/context.ts'
import type { LeaseAnswer, LeaseTerms } from './lease-store.ts'

/** How often it asks for a lease that another has and may release at any time. */
export const POLL_MS = 1_000

/** When leased work is due: what to ask the store for, and what to make of its answer. One for each run of a worker. */
export interface LeasePlan {
  /** Whether there is another run when one has ended. */
  readonly isRepeated: boolean
  terms(): Omit<LeaseTerms, 'leaseMs'>
  /** @returns how long to wait before asking again, if it was refused */
  heard(answer: LeaseAnswer): Promise<number> | number
  /** The run that a lease was acquired for. */
  readonly run: ScheduledRun | undefined
  /** What a run takes before it is slow; undefined: nobody says. */
  slowAfterMs(): number | undefined
}

/** Due at once, and once: what ends by itself isn't called again. */
export class OncePlan implements LeasePlan {
  readonly isRepeated = false
  readonly run = undefined

  terms(): Omit<LeaseTerms, 'leaseMs'> {
    return { everyMs: undefined }
  }

  heard(answer: LeaseAnswer): number {
    return untilAsking(answer)
  }

  slowAfterMs(): undefined {
    return undefined
  }
}

/** Who has it may release it any time, once it is due. */
export function untilAsking(answer: LeaseAnswer): number {
  if (answer.kind === 'acquired') return 0
  const { freeInMs, dueInMs } = answer
  return Math.max(1, freeInMs > 0 ? Math.min(freeInMs, Math.max(dueInMs, POLL_MS)) : dueInMs)
}

/** A replica that started later may have another schedule: it is looked for so often. */
export const LONGEST_WAIT_MS = 60_000
