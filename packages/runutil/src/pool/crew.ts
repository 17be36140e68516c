import type { Logger } from 'pino'
import { AsyncScope } from '../core/async-scope.ts'
import type { Clock } from '../core/clock.ts'
import type { Events } from '../core/events.ts'
import { log } from '../core/log.ts'
import { PoolDestroyedError, type WorkerError } from './errors.ts'
import { launchAll } from './launch.ts'
import { Members } from './members.ts'
import type { PoolSettings } from './options.ts'
import type { PoolEvents } from './pool-events.ts'
import type { Relay } from './relay/relay.ts'
import { type Lineage, Replacements, attemptAfter } from './replacements.ts'
import { StartGate } from './start-gate.ts'
import { Successions } from './successions.ts'
import { specOf } from './worker/spawn.ts'
import { WorkerProcess } from './worker/worker-process.ts'
import type { WorkerProps } from './worker/worker-props.ts'

export interface CrewProps {
  readonly settings: PoolSettings
  readonly relay: Relay
  readonly clock: () => Clock
  readonly logger: () => Logger
  readonly events: Events<PoolEvents>
  /** A worker is ready for a task. */
  readonly onFree: (worker: WorkerProcess) => void
}

/** The workers of a pool: as many as are wanted, each replaced when it goes. One is coming until its handshake is done. */
export class Crew {
  readonly #props: CrewProps
  readonly #gate: StartGate
  readonly #replacements: Replacements
  /** All processes that have not ended, whatever they are. */
  readonly #processes = new Set<WorkerProcess>()
  readonly #members: Members
  readonly #successions = new Successions()
  /** Processes outlive the task that they were started for, and do those of others. */
  readonly #stores = new AsyncScope()
  #wanted = 0
  #up = false
  #closed = false
  /** Why the last replacement didn't come up; undefined once one has. */
  lastFailure: Error | undefined

  constructor(props: CrewProps) {
    this.#props = props
    this.#gate = new StartGate(props.settings.startConcurrency)
    this.#members = new Members(props.events)
    this.#replacements = new Replacements({
      clock: props.clock,
      gate: this.#gate,
      spawn: () => this.#spawn(),
      joined: (worker, lineage) => this.#arrived(worker, lineage),
      failed: (worker, error) => {
        this.lastFailure = error
        this.#report(error, worker)
      },
    })
  }

  get workers(): readonly WorkerProcess[] {
    return this.#members.active
  }

  /** Whether no worker comes any more. */
  get closed(): boolean {
    return this.#closed
  }

  /** Workers that are on their way. */
  get coming(): number {
    return this.#replacements.count
  }

  /** Brings up `count` workers, or none. */
  async start(count: number): Promise<void> {
    const workers = await this.#launch(count)
    this.#wanted = count
    this.#up = true
    this.#join(workers, this.#firstOfLine())
  }

  /** Brings up as many new workers as are wanted, or none; then the old ones leave. Resolves with those. */
  async renew(): Promise<readonly WorkerProcess[]> {
    if (!this.#props.settings.overlap) return this.#renewOneByOne()
    const renewed = await this.#launch(this.#wanted)
    const old = [...this.workers, ...this.#members.reserve]
    this.#replacements.cancelAll()
    this.#successions.clear()
    this.#join(renewed, this.#firstOfLine())
    for (const worker of old) this.#members.leave(worker, RESET)
    // Fewer or more may be wanted than when this began.
    this.#wanted = Math.max(this.#wanted, this.workers.length)
    this.#fill()
    return old
  }

  /** One more than there are, up to numWorkers. */
  grow(): void {
    if (!this.#up || this.#closed || this.#wanted >= this.#props.settings.numWorkers) return
    this.#wanted++
    this.#fill()
  }

  /** Has a worker's successor come up while it goes on. @param reason it leaves for this as soon as that is up */
  succeed(worker: WorkerProcess, reason: string | undefined): void {
    if (this.workers.includes(worker) && this.#successions.add(worker, reason)) this.#fill()
  }

  /** Lets a worker go after its task, and replaces it. False if it goes already, or isn't one of these. */
  replace(worker: WorkerProcess, reason: string): boolean {
    if (!this.#members.leave(worker, reason)) return false
    this.#left(worker)
    return true
  }

  /** As replace, at once and without regard for its task. */
  kill(worker: WorkerProcess, reason: string): void {
    this.#members.leave(worker, reason)
    this.#members.part(worker)
    void worker.kill()
    this.#left(worker)
  }

  /** Lets an idle worker go for good, if more than `minWorkers` are wanted. */
  dismiss(worker: WorkerProcess, reason: string): boolean {
    if (this.#wanted <= this.#props.settings.minWorkers) return false
    this.#wanted--
    const left = this.#members.leave(worker, reason)
    if (!left) this.#wanted++
    else this.#left(worker)
    return left
  }

  /** A worker has done a task: whether it may be given another. */
  mayGoOn(worker: WorkerProcess): boolean {
    this.#members.part(worker)
    return !this.#members.isLeaving(worker) && (worker.state === 'ready' || worker.state === 'working')
  }

  /** Lets all of them go, and kills those that are still there at the end of `destroyTimeout`. */
  async end(): Promise<void> {
    this.#closed = true
    this.#wanted = 0
    this.#replacements.cancelAll()
    this.#successions.clear()
    for (const worker of [...this.workers, ...this.#members.reserve]) {
      this.#members.leave(worker, 'the pool was destroyed')
    }
    for (const worker of this.#processes) if (!this.#members.has(worker)) void worker.kill()
    const { clock, settings } = this.#props
    const limit = clock().setTimeout(() => {
      for (const worker of this.#processes) void worker.kill()
    }, settings.destroyMs)
    await Promise.all(Array.from(this.#processes, (worker) => worker.wait()))
    limit.clear()
  }

  #firstOfLine(): Lineage {
    return { attempt: 0, bornMs: this.#props.clock().elapsed() }
  }

  async #launch(count: number): Promise<WorkerProcess[]> {
    try {
      if (this.#closed) throw new PoolDestroyedError()
      const workers = await launchAll(count, this.#gate, (index) => this.#spawn(index / count))
      if (!this.#closed) return workers
    } catch (error) {
      if (!this.#closed) {
        this.#report(error as Error, undefined)
        throw error
      }
    }
    throw new PoolDestroyedError()
  }

  /** Never more processes than workers: each leaves before another takes its place. */
  async #renewOneByOne(): Promise<readonly WorkerProcess[]> {
    const old = this.workers
    try {
      for (const worker of old) {
        if (!this.#members.leave(worker, RESET)) continue
        this.#successions.delete(worker)
        await worker.wait()
        if (this.workers.length + this.coming >= this.#wanted) continue
        this.#join(await this.#launch(1), this.#firstOfLine())
      }
    } finally {
      this.#fill()
    }
    return old
  }

  /** @param early from 0 to 1: how much of its allotted work and time it gives up, so that not all go together */
  #spawn(early = 0): WorkerProcess {
    const { settings, relay, clock, logger, onFree } = this.#props
    const props: WorkerProps = {
      ...settings,
      early,
      spec: specOf(settings.command, () => this.#closed),
      relay,
      clock: clock(),
      onLine: (stream, line) => log(logger(), 'warn', { workerPid: worker.pid, stream }, line),
      onReleased: () => onFree(worker),
      onStopping: () => void this.replace(worker, 'it was stopped'),
      onEnded: (error) => this.#ended(worker, error),
    }
    const worker: WorkerProcess = this.#stores.run(() => new WorkerProcess(props))
    this.#processes.add(worker)
    return worker
  }

  #join(workers: readonly WorkerProcess[], lineage: Lineage): void {
    this.lastFailure = undefined
    this.#members.join(workers, lineage)
    for (const worker of workers) this.#props.onFree(worker)
  }

  /** To take a place that is free, or to wait for that of another. */
  #arrived(worker: WorkerProcess, lineage: Lineage): void {
    if (this.workers.length < this.#wanted) return this.#join([worker], lineage)
    this.lastFailure = undefined
    this.#members.joinReserve(worker, lineage)
    const due = this.#successions.due()
    if (due !== undefined) this.replace(due.worker, due.reason)
    this.#trim()
  }

  /** It takes no more tasks: its successor has its place, or another comes. */
  #left(worker: WorkerProcess, attempt = 0): void {
    this.#successions.delete(worker)
    while (this.workers.length < this.#wanted) {
      const next = this.#members.promote()
      if (next === undefined) break
      this.#props.onFree(next)
    }
    this.#trim()
    this.#fill(attempt)
  }

  #trim(): void {
    const { reserve } = this.#members
    for (const worker of reserve.slice(this.#successions.count)) {
      this.#members.leave(worker, 'it was not needed')
    }
  }

  #ended(worker: WorkerProcess, error: WorkerError | undefined): void {
    this.#processes.delete(worker)
    const member = this.#members.ended(worker, error?.message ?? 'it was stopped')
    if (member === undefined) return
    if (error !== undefined) this.#report(error, worker)
    if (member.expected) return
    const attempt = attemptAfter(member.lineage, worker, this.#props.clock().elapsed())
    this.#left(worker, error === undefined ? 0 : attempt)
  }

  /** @param attempt of the first that is missing */
  #fill(attempt = 0): void {
    const { reserve } = this.#members
    for (let next = attempt; !this.#closed; next = 0) {
      const there = this.workers.length + reserve.length + this.coming
      if (there >= this.#wanted + this.#successions.count) break
      this.#stores.run(() => this.#replacements.add(next))
    }
  }

  #report(error: Error, worker: WorkerProcess | undefined): void {
    log(this.#props.logger(), 'warn', { err: error, workerPid: worker?.pid }, 'a worker process failed')
    this.#props.events.emit('error', error, worker)
  }
}

const RESET = 'the pool was reset'
