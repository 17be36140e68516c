import { dateAt } from '../core/date-at.ts'
import type { Histogram } from '../core/histogram.ts'
import type { Progress } from '../core/progress.ts'
import type { RunningRun, WorkerRecord } from '../core/worker-record.ts'
import type { HealthState, RecordedError, WorkerState } from '../core/worker-state.ts'

/** A snapshot of a worker, class or supervisor, with everything beneath it. */
export interface WorkerNode {
  /** '/Type/Name'; '/#2', its place in the list, for one without a name; '' for the root. */
  readonly path: string
  /** 'repeat', 'queue', 'pool', 'supervisor', 'class' … */
  readonly kind: string
  /** Of what `supervise` made: 'one_for_one', 'rest_for_one' or 'one_for_all'. */
  readonly strategy?: string
  readonly state: WorkerState
  /** When it came into this state. */
  readonly since: Date
  /** For a supervisor or class, the worst health of its workers. */
  readonly health: HealthState
  /** How often it was started; for repeat and cron, its runs that have ended. */
  readonly runs: number
  /** How often it exited with an error, or returned where returning is one. */
  readonly failures: number
  /** Restarts after a failure, its own or a common one of its supervisor; none by an operator. */
  readonly restarts: number
  /** Starts that will never run. */
  readonly missed: number
  /** Of its last failure; kept when it works again. */
  readonly lastError?: RecordedError
  /** Of repeat and cron, the last run that has ended; undefined before the first has. */
  readonly lastRun?: { readonly startedAt: Date; readonly durationMs: number; readonly ok: boolean }
  /** The run that is on; undefined between two runs, and for workers that make none. */
  readonly running?: {
    readonly startedAt: Date
    readonly traceId: string
    /** What its code last passed to `reportProgress`. */
    readonly progress?: Progress
  }
  /** When repeat or cron starts next; undefined while nothing is scheduled. */
  readonly nextRunAt?: Date
  /** Of repeat and cron, how long runs took, in ms, over all that have ended; undefined before the first has. */
  readonly latencyMs?: { readonly p50: number; readonly p95: number; readonly p99: number }
  /** Details from its module. */
  readonly detail?: unknown
  readonly children: readonly WorkerNode[]
}

/** The root of a Runtime before its first run. */
export const NO_ROOT: Omit<WorkerNode, 'children'> = Object.freeze({
  path: '',
  kind: 'supervisor',
  state: 'waiting',
  since: new Date(0),
  health: 'init',
  runs: 0,
  failures: 0,
  restarts: 0,
  missed: 0,
} satisfies Omit<WorkerNode, 'children'>)

/** The tree of a Runtime before its first run. */
export const NO_RUN: WorkerNode = Object.freeze({ ...NO_ROOT, children: [] })

export function nodeOf(record: WorkerRecord): WorkerNode {
  const children = (record.children ?? []).map(nodeOf)
  const health = children.length === 0 ? record.health : worst(children)
  return { ...nodeAlone(record, health), children }
}

/** A node without what is beneath it. @param health for a supervisor or class, the worst of its workers */
export function nodeAlone(record: WorkerRecord, health: HealthState): Omit<WorkerNode, 'children'> {
  const { path, kind, runs, failures, restarts, missed, lastRun } = record
  const { strategy, lastError, describe, live } = record
  const running = record.running ?? live?.running?.()
  const nextRunAt = record.nextRunAt ?? live?.nextRunAt?.()
  return {
    path,
    kind,
    ...(strategy !== undefined && { strategy }),
    state: record.state,
    since: new Date(record.since),
    health,
    runs,
    failures,
    restarts,
    missed,
    ...(lastError !== undefined && { lastError }),
    ...(lastRun !== undefined && {
      lastRun: {
        startedAt: dateAt(record.records.clock, lastRun.since),
        durationMs: lastRun.durationMs,
        ok: !lastRun.hasFailed,
      },
    }),
    ...(running !== undefined && { running: runningOf(running) }),
    ...(nextRunAt !== undefined && { nextRunAt }),
    ...(lastRun !== undefined && { latencyMs: latencyOf(record.latency) }),
    ...(describe !== undefined && { detail: described(describe) }),
  }
}

function worst(children: readonly WorkerNode[]): HealthState {
  const is = (state: HealthState): boolean => children.some(({ health }) => health === state)
  return is('firing') ? 'firing' : is('init') ? 'init' : 'ok'
}

function runningOf({ startedAt, traceId, progress }: RunningRun): NonNullable<WorkerNode['running']> {
  return { startedAt, traceId, ...(progress !== undefined && { progress }) }
}

function latencyOf(latency: Histogram): NonNullable<WorkerNode['latencyMs']> {
  return {
    p50: latency.percentile(0.5),
    p95: latency.percentile(0.95),
    p99: latency.percentile(0.99),
  }
}

function described(describe: () => unknown): unknown {
  try {
    return describe()
  } catch {
    return undefined
  }
}
