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
}

export interface WorkerFacts {
  readonly name: string
  /** On the machine's clock, and on the wall's. */
  readonly diedAt: number
  readonly diedWall: number
  readonly frozen: readonly Span[]
}

/** All that is known of what happened, by three witnesses: the handlers, the database and who disturbed them. */
export interface Facts {
  readonly planned: readonly PlannedJob[]
  readonly stored: ReadonlyMap<string, StoredJob>
  /** In the order of their starts. */
  readonly runs: readonly Run[]
  readonly audit: readonly AuditEvent[]
  readonly workers: ReadonlyMap<string, WorkerFacts>
  readonly outages: readonly Span[]
}
