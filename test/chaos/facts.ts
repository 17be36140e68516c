import type { AuditEvent } from './audit.ts'
import type { Run } from './ledger.ts'
import type { PlannedJob } from './planned-job.ts'
import type { Span } from './worker-process.ts'

/** A job as it is stored when all is over. */
export interface StoredJob {
  readonly id: string
  readonly status: string
  readonly attempts: number
  /** The claim that ended it. */
  readonly claim: number | null
  /** The claim that its handler says it ran under. */
  readonly returned: number | null
  readonly lastError: string | null
  /** Whether it waits for others that have not ended. */
  readonly blocked: boolean
}

/** A job that was not stored, since another had its unique key. */
export interface Skipped {
  readonly job: PlannedJob
  /** The id of that other. */
  readonly by: string
}

export interface WorkerFacts {
  readonly name: string
  /** On the machine's clock, and on the wall's. */
  readonly diedAt: number
  readonly diedWall: number
  /** From when on it was sure to die, if it was killed. */
  readonly killedWall: number
  /** When it was told to stop, or killed. */
  readonly toldWall: number
  /** Whether a job of its own killed it. */
  readonly poisoned: boolean
  readonly frozen: readonly Span[]
  /** When its event loop stood still, for whatever reason, and of that, when a handler held it up. */
  readonly stalls: readonly Span[]
  readonly blocked: readonly Span[]
  /** Why its end isn't what was asked of it. */
  readonly complaint: string | undefined
}

/** When the database was away, or was there but refused, or connections to it were silent, or the way to it was slow. */
export interface Outage extends Span {
  readonly how: 'away' | 'refusing' | 'silent' | 'slow'
}

/** All that is known of what happened, by three witnesses: the handlers, the database and who disturbed them. */
export interface Facts {
  /** Without those that were skipped. */
  readonly planned: ReadonlyMap<string, PlannedJob>
  /** By their ids. */
  readonly skipped: ReadonlyMap<string, Skipped>
  readonly stored: ReadonlyMap<string, StoredJob>
  /** In the order of their starts. */
  readonly runs: readonly Run[]
  readonly audit: readonly AuditEvent[]
  readonly workers: ReadonlyMap<string, WorkerFacts>
  readonly outages: readonly Outage[]
}

/** Ended by a worker that found that too many processes had died under it. */
export function endedForCrashes({ status, lastError }: StoredJob): boolean {
  return status === 'PANIC' && /its process died/.test(lastError ?? '')
}

/** Ended since a job that it was to run after had failed. */
export function endedForDependency({ status, lastError }: StoredJob): boolean {
  return status === 'FAILED' && /^dependency \S+ failed$/.test(lastError ?? '')
}

export function isPoison(id: string, { planned }: Facts): boolean {
  return planned.get(id)?.payload.fate === 'poison'
}
