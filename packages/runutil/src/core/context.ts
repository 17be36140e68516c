import { AsyncLocalStorage } from 'node:async_hooks'
import { type Logger, pino } from 'pino'
import { begunRuns } from './begun-runs.ts'
import { systemClock } from './clock-system.ts'
import type { Clock } from './clock.ts'
import type { Progress, ProgressListener } from './progress.ts'
import type { SpanIds } from './run-tracer.ts'
import { shared } from './shared.ts'
import { RunRecords, type WorkerRecord } from './worker-record.ts'

/** What all workers of one run share. Two runs in one process share none of it. */
export interface RunScope {
  readonly clock: Clock
  /** The records of all workers, including those of nested groups. */
  readonly records: RunRecords
  readonly logger: Logger
  /** How long workers may go on after the abort. Undefined: no limit. */
  readonly graceMs: number | undefined
}

/** The scheduled start that a run of a repeat or a cron is for. */
export interface ScheduledRun {
  readonly scheduledFor: Date
  readonly missed: number
}

/** A schedule, which knows when each of its starts is due. */
export interface Schedule {
  /** The time of day of its start of that number, as the clock is set now. */
  dateOf(tick: number): Date
}

type ScheduledStart = ScheduledRun | Schedule

interface Extra {
  id?: string
  logger?: Logger
  run?: ScheduledRun
  progress?: Progress
  spanIds?: SpanIds | undefined
}

/** The run, name and trace of the running code. Carried across every await. */
export class Context {
  readonly scope: RunScope
  /** '/Type/Name'; '' at the top. */
  readonly name: string
  /** The record of the nearest group entry around the code. */
  readonly record: WorkerRecord | undefined
  /** For one run of a repeating worker: the worker's context. */
  readonly #worker: Context | undefined
  readonly #start: ScheduledStart | undefined
  /** The number of its start, if `#start` is a schedule. */
  readonly #tick: number
  readonly #missed: number
  progressListener: ProgressListener | undefined
  /** What few of them need: there is one for each run. */
  #extra: Extra | undefined

  constructor(
    scope: RunScope,
    name: string,
    record?: WorkerRecord,
    worker?: Context,
    start?: ScheduledStart,
    tick = 0,
    missed = 0,
  ) {
    this.scope = scope
    // The same string as its record's path, so that later comparisons needn't read the characters.
    this.name = record?.path === name ? record.path : name
    this.record = record
    this.#worker = worker
    this.#start = start
    this.#tick = tick
    this.#missed = missed
  }

  /** One level down, as '/Type' + '/Name'. A new trace begins. */
  named(name: string): Context {
    return new Context(this.scope, `${this.name}/${name}`, this.record)
  }

  /**
   * One run of a repeating worker: same name, same trace, a span of its own.
   *
   * @param start what it runs for, or the schedule of which it is the start `tick`
   */
  child(start?: ScheduledStart, tick?: number, missed?: number): Context {
    begunRuns.listener?.(this.name)
    return new Context(this.scope, this.name, this.record, this.#worker ?? this, start, tick, missed)
  }

  /** The scheduled start that its code runs for. */
  get run(): ScheduledRun | undefined {
    const start = this.#start
    if (start === undefined || !('dateOf' in start)) return start
    return ((this.#extra ??= {}).run ??= { scheduledFor: start.dateOf(this.#tick), missed: this.#missed })
  }

  /** The code has got so far; has no effect in a context that isn't the child of another. */
  reported(done: number, total: number | undefined, note: string | undefined): void {
    if (this.#worker === undefined) return
    const at = new Date(this.scope.clock.now())
    const progress = { done, ...(total !== undefined && { total }), ...(note !== undefined && { note }), at }
    ;(this.#extra ??= {}).progress = progress
    this.progressListener?.progressed(progress)
  }

  /** Of a run or a job: what its code last reported. */
  get progress(): Progress | undefined {
    return this.#extra?.progress
  }

  /** Of the span that its code runs in: then log lines have these instead of ids of its own. */
  get spanIds(): SpanIds | undefined {
    return this.#extra?.spanIds
  }

  set spanIds(ids: SpanIds | undefined) {
    ;(this.#extra ??= {}).spanIds = ids
  }

  /** Made on first use, from the root: pino prints a key twice when children nest. */
  get logger(): Logger {
    return ((this.#extra ??= {}).logger ??= childOf(this.scope.logger, this.#bindings()))
  }

  #bindings(): Record<string, string> {
    const bindings: Record<string, string> = this.name === '' ? {} : { worker: this.name }
    if (this.spanIds !== undefined) return { ...bindings, ...this.spanIds }
    if (this.#worker === undefined) return { ...bindings, traceId: this.id }
    return { ...bindings, traceId: this.#worker.id, spanId: this.id }
  }

  get id(): string {
    return ((this.#extra ??= {}).id ??= randomId(this.scope.clock))
  }
}

/** Falls back to the logger itself if its `child` fails. */
function childOf(logger: Logger, bindings: Record<string, string>): Logger {
  try {
    return logger.child(bindings)
  } catch {
    return logger
  }
}

/** The store that has the context of the running code. */
export const storage = shared('context', () => new AsyncLocalStorage<Context>())
let fallbackLogger: Logger | undefined

/** Runs `body` so that `current…` in it, and in all it awaits, finds `context`. */
export const withContext: <T, A extends unknown[]>(
  context: Context,
  body: (...args: A) => T,
  ...args: A
) => T = storage.run.bind(storage)

/** The context of the running worker; undefined outside of any. */
export function currentContext(): Context | undefined {
  return storage.getStore()
}

/** The running worker's logger, a pino child that carries its name and trace; outside a worker, `pino()`. */
export function currentLogger(): Logger {
  return currentContext()?.logger ?? defaultLogger()
}

/** The running worker's name, such as '/CommitFetcher/Commits'; '' outside a worker. */
export function currentName(): string {
  return currentContext()?.name ?? ''
}

/** The clock of the running group; outside of any, the system's. */
export function currentClock(): Clock {
  return currentContext()?.scope.clock ?? systemClock
}

/** The logger that workers' loggers are made from. */
export function rootLogger(): Logger {
  return currentContext()?.scope.logger ?? defaultLogger()
}

function defaultLogger(): Logger {
  return (fallbackLogger ??= pino())
}

/** The scope for a new run: from the given options, else the enclosing run, else the defaults. */
export function newScope(given: {
  logger?: Logger | undefined
  clock?: Clock | undefined
  graceMs?: number | undefined
}): RunScope {
  const outer = currentContext()?.scope
  const clock = given.clock ?? outer?.clock ?? systemClock
  const records = outer?.records ?? new RunRecords(clock)
  const logger = (): Logger => given.logger ?? outer?.logger ?? defaultLogger()
  records.logger ??= logger
  return {
    clock,
    records,
    graceMs: given.graceMs ?? outer?.graceMs,
    get logger() {
      return logger()
    },
  }
}

function randomId(clock: Clock): string {
  const half = (): string =>
    Math.floor(clock.random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0')
  return half() + half()
}
