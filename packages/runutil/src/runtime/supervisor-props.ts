import type { RunScope } from '../core/context.ts'
import type { WorkerRecord } from '../core/worker-record.ts'
import type { Runnable } from '../core/worker.ts'
import type { Child, ChildHost } from './child.ts'
import type { Strategy } from './restart-plan.ts'
import type { RestartLimit } from './restart-window.ts'
import type { StartOrder } from './start-order.ts'

export interface SupervisorProps {
  readonly scope: RunScope
  /** What is known of the group itself. */
  readonly record: WorkerRecord
  readonly signal: AbortSignal | undefined
  readonly strategy: Strategy
  readonly limit: RestartLimit | undefined
  /** It ends when all are done; else with its signal only. */
  readonly endsWhenDone: boolean
  readonly keepsAlive: boolean
  /** The first thing that it will end with an error for. @param child whose it is, if of one */
  readonly onFirstFailure?: (error: Error, child: Child | undefined) => void
  /** All that aren't temporary, stopped or paused are ready. */
  readonly onReady: () => void
  /** Makes one that an operator adds beneath the group's record, or a class's. */
  readonly added?: (
    host: ChildHost,
    order: StartOrder<Child>,
    children: readonly Child[],
    parent: WorkerRecord,
    worker: Runnable,
  ) => Child
  /** Its children and their order, made for this run. */
  readonly children: (host: ChildHost) => { children: Child[]; order: StartOrder<Child> }
  /** Called when it is told to stop. @returns when it is to have ended, on the scale of `clock.elapsed()` */
  readonly onStop: (byCaller: boolean) => { endsAt: number | undefined; onLate: 'abandon' | 'hung' | 'leave' }
}
