import type { Logger } from 'pino'
import { type Clock, elapsedNow } from './clock.ts'
import { LastToStop } from './last-to-stop.ts'
import type { Progress } from './progress.ts'
import { RunTimes } from './run-times.ts'
import type { RunTracer } from './run-tracer.ts'
import { codeOf, messageOf, toError } from './thrown.ts'
import {
  type HealthState,
  type RecordedError,
  type WorkerChange,
  type WorkerState,
  isUp,
} from './worker-state.ts'

/** An operator's control of a worker's runs, implemented by its module. */
export interface RunControls {
  /** Lets the current run end, and starts no other. */
  pause(): void
  resume(): void
  /** Runs now, or right after the current run; settles with that run. Undefined: it has no runs. */
  trigger?(): Promise<void>
}

/** Who started the worker and is notified by its record. */
export interface RecordOwner {
  ready(): void
  /** Its state has changed. */
  moved(state: WorkerState): void
}

/** Hears in which states the workers of a class are. */
export interface Tally {
  add(state: WorkerState): void
  remove(state: WorkerState): void
  moved(from: WorkerState, to: WorkerState, change: WorkerChange | undefined): void
}

/** Runs what is beneath a worker. */
export interface RecordHost {
  /** Told to stop, it has less time for that than it was given. @param stopBy on the scale of `clock.elapsed()` */
  hurry(stopBy: number): void
}

/** A run that hasn't ended. */
export interface RunningRun {
  readonly startedAt: Date
  readonly traceId: string
  /** What its code last reported. */
  readonly progress?: Progress | undefined
}

/** What a worker works out only when somebody looks. */
export interface LiveFacts {
  running?(): RunningRun | undefined
  nextRunAt?(): Date | undefined
  /** Whether it has nothing to do, so that its silence is no sign of anything. */
  isIdle?(): boolean
}

/** Calls of a worker's module, by name; each settles when it is done. */
export type Operations = Readonly<Record<string, () => Promise<void>>>

export type ChangeListener = (path: string, change: WorkerChange) => void

/** What all records of one run share. Two runs in one process share none of it. */
export class RunRecords {
  readonly clock: Clock
  readonly root: WorkerRecord
  /** Called with each change; undefined without listeners, so that no events are created. */
  listener: ChangeListener | undefined
  /** The handle on the run, once requested. */
  runtime: unknown
  /** Why the run will stop, once that was requested, even if its signal has yet to abort. Undefined: nothing can request it. */
  stopRequest: (() => Error | undefined) | undefined
  /** The paths of workers that hung, were stopped and did not end, so that the whole run fails. */
  readonly hung = new Set<string>()
  readonly lastToStop = new LastToStop()
  /** The logger of the run, for those who serve it from outside. */
  logger: (() => Logger) | undefined
  /** Follows the runs of the workers; undefined: nobody does. */
  tracer: RunTracer | undefined
  readonly #byPath = new Map<string, WorkerRecord>()
  readonly #listeners = new Map<object, ChangeListener>()

  constructor(clock: Clock) {
    this.clock = clock
    this.root = new WorkerRecord(this, undefined, '')
    this.root.kind = 'supervisor'
  }

  get(path: string): WorkerRecord | undefined {
    return path === '' ? this.root : this.#byPath.get(path)
  }

  /** All but the root, in the order of creation. */
  values(): IterableIterator<WorkerRecord> {
    return this.#byPath.values()
  }

  /** @param who has one listener at a time; undefined takes it off */
  hear(who: object, listener: ChangeListener | undefined): void {
    if (listener === undefined) this.#listeners.delete(who)
    else this.#listeners.set(who, listener)
    const all = [...this.#listeners.values()]
    const tellAll: ChangeListener = (path, change) => all.forEach((tell) => tell(path, change))
    this.listener = all.length > 0 ? tellAll : undefined
  }

  add(record: WorkerRecord): void {
    this.#byPath.set(record.path, record)
  }

  /** Removes it and everything beneath when its group has ended, except paths that another group now uses. */
  remove(record: WorkerRecord): void {
    record.isOver = true
    if (this.#byPath.get(record.path) === record) this.#byPath.delete(record.path)
    for (const child of record.children ?? []) this.remove(child)
    for (const name of record.names ?? []) this.remove(name)
  }
}

/** The state, health and run statistics of one worker. */
export class WorkerRecord extends RunTimes {
  // What each run changes stands first, since a tick of many workers mostly waits for memory.
  readonly records: RunRecords
  /** '/Type/Name'; '' for the root. */
  readonly path: string
  /** Whether its run has ended: later reports are ignored. */
  isOver = false
  /** Somebody looks for its signs of life. */
  isWatched = false
  /** False if it is identified by its place in a list. */
  isNamed = true
  /** Whether `healthSnapshot` shows it: it has a name, and is declared or has spoken. */
  isListed = false
  health: HealthState = 'init'
  /** Whether it has reported health itself: then its supervisor does not report 'ok' for it. */
  spoke = false
  runs = 0
  readonly parent: WorkerRecord | undefined
  kind = 'worker'
  strategy: string | undefined
  state: WorkerState = 'waiting'
  /** Since when, in ms since the epoch. */
  since: number
  /** Whether another starts after it, so that it must call `workerReady()`. */
  isAwaited = false
  /** Whether it is temporary, so that readiness does not wait for it. */
  isOptional = false
  /** Whether it has ever reported that it is ready, rather than being so from its start. */
  saidReady = false
  /** Whether it has ever been ready or done. */
  wasReady = false
  /** Its runs are those that it makes, not its starts. */
  makesRuns = false
  /** Whether an operator has paused it. */
  isPaused = false
  /** Whether it was told to stop, and has not ended. */
  isEnding = false
  failures = 0
  restarts = 0
  missed = 0
  /** On the scale of `clock.elapsed()`; kept only while it is watched. */
  lastSignAt = 0
  /** Its deadline to end, on the scale of `clock.elapsed()`. Undefined: no limit. */
  stopBy: number | undefined
  lastError: RecordedError | undefined
  running: RunningRun | undefined
  nextRunAt: Date | undefined
  live: LiveFacts | undefined
  children: WorkerRecord[] | undefined
  /** Of a class that is no worker itself: it is in the state of those in it. */
  tally: Tally | undefined
  /** Names beneath it that are no entries of a group. */
  names: WorkerRecord[] | undefined
  owner: RecordOwner | undefined
  controls: RunControls | undefined
  /** What the module that it belongs to tells of it. */
  describe: (() => unknown) | undefined
  /** What that module offers to an operator beside the controls, by name. */
  operations: Operations | undefined
  /** Whoever runs what is beneath it, for an operator. */
  host: RecordHost | undefined
  /** How many places its list has had. */
  places = 0

  constructor(records: RunRecords, parent: WorkerRecord | undefined, path: string) {
    super()
    this.records = records
    this.parent = parent
    this.path = path
    this.since = records.clock.now()
  }

  newChild(path: string): WorkerRecord {
    const child = new WorkerRecord(this.records, this, path)
    this.tally?.add(child.state)
    return child
  }

  /** Its state changes, which is an event; once its run has ended, it stays as it was then. */
  moveTo(state: WorkerState, change?: WorkerChange): void {
    if (this.isOver || (this.state === state && change === undefined)) return
    const from = this.state
    this.state = state
    if (isUp(state)) this.wasReady = true
    this.since = this.records.clock.now()
    if (this.records.listener !== undefined) this.emit(change ?? ({ type: state } as WorkerChange))
    this.owner?.moved(state)
    this.parent?.tally?.moved(from, state, change)
  }

  emit(change: WorkerChange): void {
    this.records.listener?.(this.path, change)
  }

  failed(error: Error): void {
    if (this.isOver) return
    this.failures++
    this.lastError = recordedError(error, this.records.clock)
    this.moveTo('failed', { type: 'failed', error })
  }

  restarting(attempt: number, delayMs: number, others: readonly WorkerRecord[]): void {
    if (this.isOver) return
    this.restarts++
    const { listener } = this.records
    if (listener === undefined) this.moveTo('restarting')
    else {
      const paths = others.map(({ path }) => path)
      this.moveTo('restarting', { type: 'restarting', attempt, delayMs, with: paths })
    }
  }

  /** The worker says so itself. */
  ready(): void {
    this.saidReady = true
    this.signOfLife()
    this.owner?.ready()
  }

  /** Starts that passed and will never run. */
  missedRuns(count: number): void {
    if (this.isOver) return
    this.missed += count
    this.emit({ type: 'missed', count })
  }

  /** One of its runs has ended. @param startedAt on the scale of `clock.elapsed()` */
  ran(startedAt: number, error?: unknown): void {
    if (this.isOver) return
    const { clock } = this.records
    const durationMs = elapsedNow(clock) - startedAt
    this.runs++
    this.signOfLife()
    this.addRun(startedAt, durationMs, error !== undefined)
    if (this.records.listener === undefined) return
    this.emit(
      error === undefined ? { type: 'ran', durationMs } : { type: 'ran', durationMs, error: toError(error) },
    )
  }

  /** Nobody is there who could be asked, or told anything. */
  runEnded(): void {
    this.running = undefined
    this.nextRunAt = undefined
    this.live = undefined
    this.controls = undefined
    this.describe = undefined
    this.operations = undefined
  }

  /** Whether it needn't give signs of life now: it has nothing to do, or none of its runs is on. */
  get mayBeSilent(): boolean {
    const { live } = this
    if (live?.isIdle !== undefined) return live.isIdle()
    return (this.makesRuns || this.isPaused) && (this.running ?? live?.running?.()) === undefined
  }

  signOfLife(): void {
    if (this.isWatched) this.lastSignAt = this.records.clock.elapsed()
  }
}

function recordedError(error: Error, clock: Clock): RecordedError {
  const code = codeOf(error)
  const recorded = { name: error.name, message: messageOf(error), at: new Date(clock.now()) }
  return code === undefined ? recorded : { ...recorded, code }
}
