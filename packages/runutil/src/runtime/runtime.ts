import type { InjectionToken } from 'tsyringe'
import { brand } from '../core/brand.ts'
import { currentContext } from '../core/context.ts'
import { InvalidArgumentError } from '../core/errors.ts'
import { SafeCallback } from '../core/safe-callback.ts'
import { shared } from '../core/shared.ts'
import type { RunRecords, WorkerRecord } from '../core/worker-record.ts'
import type { WorkerChange } from '../core/worker-state.ts'
import type { Runnable } from '../core/worker.ts'
import { NoSuchWorkerError } from './control-errors.ts'
import { AwaitedChanges } from './awaited-changes.ts'
import { ControlTurns } from './control-turns.ts'
import { GroupControl } from './group-control.ts'
import { isReady } from './readiness.ts'
import { checkControl, groupOf, isGroup, notRunning, triggerRun } from './run-control.ts'
import type { RuntimeEvent } from './runtime-event.ts'
import { unobserved } from './unobserved.ts'
import { NO_RUN, type WorkerNode, nodeOf } from './worker-node.ts'

/** The injection token of the run's Runtime. Without a registration, injecting it gives the current run's. */
export const RUNTIME: InjectionToken<Runtime> = Symbol.for('runutil.RUNTIME')

/** The run that the code is in, as a handle on all of its workers; undefined outside of one. */
export function currentRuntime(): Runtime | undefined {
  const records = currentContext()?.scope.records
  return records && runtimeOf(records)
}

const shown = shared('runtimes', () => new WeakMap<Runtime, RunRecords>())

/** The records that a Runtime shows; undefined before its first run. */
export function recordsOf(runtime: Runtime): RunRecords | undefined {
  return shown.get(runtime)
}

/** The handle on a run that was started without one. */
function runtimeOf(records: RunRecords): Runtime {
  if (records.runtime === undefined) new Runtime().attach(records)
  return records.runtime as Runtime
}

/**
 * A handle on a run: shows its workers, and pauses, stops, starts and adds them. Usable from anywhere, also before the run has
 * begun and after it has ended.
 *
 * Calls on one worker are queued. They reject with a NoSuchWorkerError when no worker has the path or nothing runs yet, and after
 * the abort with its reason; an unobserved rejection is ignored.
 *
 * @example
 * const runtime = new Runtime()
 * const run = runProvidedWorkers(container, shutdownSignal(), { runtime })
 * await runtime.ready()
 * console.log(runtime.tree())
 */
export class Runtime {
  #records: RunRecords | undefined
  #end: { reason: unknown } | undefined
  #isRunning = false
  readonly #listeners = new Set<SafeCallback<[RuntimeEvent]>>()
  readonly #turns = new ControlTurns()
  readonly #changes = new AwaitedChanges({
    onWaiting: () => this.#hear(),
    endedWith: () => (this.#end === undefined ? undefined : this.#ended()),
  })

  static {
    brand(this, 'Runtime')
  }

  /** A snapshot of the root and everything beneath it. */
  tree(): WorkerNode {
    return this.#records === undefined ? NO_RUN : nodeOf(this.#records.root)
  }

  /** A snapshot of the worker at `path` and everything beneath it; '' is the root. Undefined when no worker has that path. */
  get(path: string): WorkerNode | undefined {
    if (this.#records === undefined) return path === '' ? NO_RUN : undefined
    const record = this.#records.get(path)
    return record && nodeOf(record)
  }

  /** Calls `listener` with each event from now on; the returned function unsubscribes it. */
  on(listener: (event: RuntimeEvent) => void): () => void {
    const subscription = new SafeCallback<[RuntimeEvent]>(listener, 'listener of the runtime')
    this.#listeners.add(subscription)
    this.#hear()
    return () => {
      this.#listeners.delete(subscription)
      this.#hear()
    }
  }

  /**
   * Resolves when all workers that are not temporary, stopped or paused are ready, or the worker at `path`. May be called
   * before the run begins.
   *
   * @throws the run's error or abort reason, if it ends first
   */
  ready(path?: string): Promise<void> {
    return this.#changes.until(() => {
      const record = this.#records?.get(path ?? '')
      return record !== undefined && this.#isRunning && isReady(record, path !== undefined)
    })
  }

  /**
   * Lets no run begin from now on; the current one may end. A QueueWorker and a CoordinateWorker take no more work, and finish
   * the work they have begun. A worker that is not running, as in a backoff, is paused when it starts, until `resume`.
   *
   * @throws NotPausableError for all but repeat, cron, a QueueWorker and a CoordinateWorker
   */
  pause(path: string): Promise<void> {
    return this.#inTurn(path, (record) => {
      checkControl(record, 'pause')
      record.isPaused = true
      record.controls?.pause()
      if (record.state === 'ready') record.moveTo('paused')
    })
  }

  /** Ends a pause. */
  resume(path: string): Promise<void> {
    return this.#inTurn(path, (record) => {
      checkControl(record, 'pause')
      record.isPaused = false
      record.signOfLife()
      record.controls?.resume()
      if (record.state === 'paused') record.moveTo('ready', { type: 'resumed' })
    })
  }

  /**
   * Runs it now, right after the current run, or after a backoff; settles with that run. A paused worker stays paused. Other
   * calls for the worker do not wait for the run.
   *
   * @throws NotPausableError for all but repeat and cron, and if it is stopped or done
   */
  trigger(path: string): Promise<void> {
    const asked = this.#inTurn(path, (record) => {
      checkControl(record, 'trigger')
      return { run: unobserved(triggerRun(record, (look) => this.#changes.until(look))) }
    })
    return unobserved(asked.then(({ run }) => run))
  }

  /**
   * Stops it until `start`. A stop is not a failure. Resolves when it has ended, as `restart` and `remove` do; called from within the
   * worker, which cannot wait for its own end, when it was told to stop.
   */
  stop(path: string): Promise<void> {
    return this.#ending(path, (record) => this.#controlOf(record).stop(record))
  }

  /** Starts a worker that is stopped, done or failed, and ends the wait of one in a backoff. Does not wait until it is ready. */
  start(path: string): Promise<void> {
    return this.#inTurn(path, (record) => this.#controlOf(record).start(record))
  }

  /** Stops it and starts it again, without a wait; no restart is counted. Workers `after` it go on running. */
  restart(path: string): Promise<void> {
    return this.#ending(path, (record) => this.#controlOf(record).restart(record))
  }

  /** Stops and removes it; resolves when it has ended. */
  remove(path: string): Promise<void> {
    return this.#ending(path, (record) => this.#controlOf(record).remove(record))
  }

  /** Adds a worker to a group for the rest of the group's run. @returns its path */
  add(parent: string, worker: Runnable): Promise<string> {
    return this.#inTurn(parent, (record) => {
      const host = record.host ?? (record.kind === 'class' ? record.parent?.host : undefined)
      if (host instanceof GroupControl) return host.add(record, worker)
      if (isGroup(record)) throw notRunning('add', record)
      const hint = 'add to the root, a class or a supervisor'
      throw new InvalidArgumentError(
        `add: expected the path of a group; got '${parent}', a ${record.kind}; ${hint}`,
      )
    })
  }

  /** @throws InvalidArgumentError if it serves another run */
  attach(records: RunRecords): void {
    if (this.#isRunning) {
      throw new InvalidArgumentError(
        'runtime: expected a Runtime that serves no run; got one in use; create another for this run',
      )
    }
    this.#records = records
    shown.set(this, records)
    this.#isRunning = true
    this.#end = undefined
    records.runtime ??= this
    this.#hear()
  }

  /** Called when the run has ended. @param reason the rejection of later calls */
  detach(reason: unknown): void {
    this.#isRunning = false
    this.#end = { reason }
    this.#changes.changed()
    this.#records?.hear(this, undefined)
  }

  #hear(): void {
    if (this.#records === undefined || !this.#isRunning) return
    const isHeard = this.#listeners.size > 0 || this.#changes.isAny
    this.#records.hear(this, isHeard ? (path, change) => this.#emit(path, change) : undefined)
  }

  #emit(path: string, change: WorkerChange): void {
    if (this.#listeners.size > 0) {
      const event = { at: new Date(this.#records!.clock.now()), path, ...change }
      for (const listener of [...this.#listeners]) listener.call(event)
    }
    this.#changes.changed()
  }

  #inTurn<T>(path: string, call: (record: WorkerRecord) => T | Promise<T>): Promise<T> {
    const record = this.#records?.get(path)
    if (record === undefined || !this.#isRunning) return unobserved(Promise.reject(this.#refusal(path)))
    return this.#turns.take(record, () => {
      if (!this.#isRunning) throw this.#ended()
      return call(record)
    })
  }

  /** For a call that waits for the worker's end. */
  #ending(path: string, call: (record: WorkerRecord) => Promise<void>): Promise<void> {
    const caller = currentContext()?.record
    let told: () => void = () => {}
    const isTold = new Promise<void>((resolve) => (told = resolve))
    const turn = this.#inTurn(path, (record) => {
      const ended = call(record)
      if (record.isEnding && isWithin(caller, record)) told()
      return ended
    })
    return unobserved(Promise.race([turn, isTold]))
  }

  #refusal(path: string): Error {
    if (this.#end !== undefined) return this.#ended()
    const known = Array.from(this.#records?.values() ?? [], (record) => record.path)
    return new NoSuchWorkerError(path, known)
  }

  #ended(): Error {
    return (this.#end?.reason as Error | undefined) ?? new Error('the run has ended')
  }

  #controlOf(record: WorkerRecord): GroupControl {
    const group = groupOf(record)
    if (group !== undefined) return group
    if (record.parent !== undefined && isGroup(record.parent)) throw notRunning(record.path, record.parent)
    throw new InvalidArgumentError(
      `expected the path of a worker of a group; got '${record.path}', a ${record.kind}`,
    )
  }
}

function isWithin(caller: WorkerRecord | undefined, record: WorkerRecord): boolean {
  let at = caller
  while (at !== undefined && at !== record) at = at.parent
  return at === record
}
