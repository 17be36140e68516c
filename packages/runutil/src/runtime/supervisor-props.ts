import type { RunScope } from '../core/context.ts'
import type { WorkerRecord } from '../core/worker-record.ts'
import type { Runnable } from '../core/worker.ts'
import type { Child, ChildHost } from './child.ts'
import type { Strategy } from './restart-plan.ts'
import type { RestartLimit } from './restart-window.ts'
import type { StartOrder } from './start-order.ts'

export interface SupervisorProps {
  readonly scope: RunScope
  /** The record of the group itself. */
  readonly record: WorkerRecord
  readonly signal: AbortSignal | undefined
  readonly strategy: Strategy
  readonly limit: RestartLimit | undefined
  /** Whether it ends when all are done, or only with its signal. */
  readonly endsWhenDone: boolean
  readonly keepsAlive: boolean
  /** Called with the first failure that ends the group. @param child the one that failed, if any */
  readonly onFirstFailure?: (error: Error, child: Child | undefined) => void
  /** Called when all children that are not temporary, stopped or paused are ready. */
  readonly onReady: () => void
  /** Creates a child that an operator adds beneath the group's record, or a class's. */
  readonly added?: (
    host: ChildHost,
    order: StartOrder<Child>,
    children: readonly Child[],
    parent: WorkerRecord,
    worker: Runnable,
  ) => Child
  /** Creates its children and their order for this run. */
  readonly children: (host: ChildHost) => { children: Child[]; order: StartOrder<Child> }
  /** Called when it is stopped. @returns its deadline, on the scale of `clock.elapsed()` */
  readonly onStop: (byCaller: boolean) => { endsAt: number | undefined; onLate: 'abandon' | 'hung' | 'leave' }
}
