import { type AttemptHandle, attemptHandles } from './attempt-handle.ts'
import { heartbeat } from './heartbeat.ts'
import type { CoordinateWorkerRecord } from './model.ts'
import type { RequestTurns } from './request-turns.ts'
import { RunningTask } from './running-task.ts'
import type { CoordinateWorkerSettings } from './worker-settings.ts'

export interface ChildRunProps {
  readonly settings: CoordinateWorkerSettings
  readonly record: CoordinateWorkerRecord
  readonly signal: AbortSignal
  /** Of the requests of all children. */
  readonly turns: RequestTurns
  /** Resolves when there may be work, or after `ms`. For one child at a time. */
  readonly untilReady: (ms: number) => Promise<void>
  /** Whether the worker is paused: requests nothing, and finishes its running tasks. */
  readonly isPaused: () => boolean
  /** The running tasks of all children. */
  readonly running: Set<RunningTask>
  readonly trying: <T>(call: () => Promise<T>) => Promise<T | undefined>
  /** For what is no sign that the work goes on. */
  readonly heartbeatCall: <T>(call: () => Promise<T>) => Promise<T | undefined>
  /** One of its attempts was renewed, or has ended. */
  readonly onSign: () => void
}

interface LeasedAttempts {
  readonly attempts: AttemptHandle[]
  /** When they were requested, by the clock's `elapsed`. */
  readonly askedAt: number
}

/** One child of a CoordinateWorker: requests a set of attempts ─► works on it ─► requests … */
export class ChildRun {
  readonly #props: ChildRunProps
  #task: RunningTask | undefined
  /** The greatest id of its attempts, including those from before it began. */
  #last: number | undefined
  /** When an unanswered request was sent, which may have leased attempts. */
  #unansweredAt: number | undefined

  constructor(props: ChildRunProps) {
    this.#props = props
  }

  get taskName(): string | undefined {
    return this.#task?.name
  }

  async run(): Promise<void> {
    const { record, signal, turns, trying, isPaused } = this.#props
    await this.sendHeartbeat()
    while (!signal.aborted) {
      const leased = await turns.run(this.#ask, this.#wait)
      if (leased === undefined || signal.aborted) continue
      // Paused during the request: other workers may have them.
      if (isPaused()) await this.#expire(leased.attempts)
      else await this.#workOn(leased)
    }
    await this.#expire((await this.#active()) ?? [])
    await trying(() => record.deactivate())
  }

  async #expire(attempts: readonly AttemptHandle[]): Promise<void> {
    await Promise.all(attempts.map((attempt) => this.#props.trying(() => attempt.expire())))
  }

  /** Updates the worker's record, and checks its attempts. */
  async sendHeartbeat(): Promise<void> {
    const { record, settings, heartbeatCall } = this.#props
    const tasks = this.#task === undefined ? [] : [this.#task.name]
    await heartbeatCall(() => record.update(heartbeat(tasks, settings.clock.now())))
    await this.#task?.check()
  }

  abort(reason: unknown): void {
    this.#task?.abort(reason)
  }

  async #workOn(leased: LeasedAttempts): Promise<void> {
    const { settings, record, running, onSign } = this.#props
    const task = (this.#task = new RunningTask({ ...settings, ...leased, child: record, onSign }))
    running.add(task)
    await task.run()
    running.delete(task)
    this.#task = undefined
  }

  /** @returns undefined when there is nothing to do */
  readonly #ask = async (): Promise<LeasedAttempts | undefined> => {
    const { signal, isPaused } = this.#props
    if (signal.aborted || isPaused()) return undefined
    // Attempts that expired during a suspension are renewed first: the request could lease their units.
    const overdue = [...this.#props.running].filter(({ isOverdue }) => isOverdue)
    await Promise.all(overdue.map((task) => task.check()))
    const leased = await this.#request()
    if (leased === undefined || leased.attempts.length === 0) return undefined
    this.#last = greatestId(leased.attempts)
    return leased
  }

  readonly #wait = (): Promise<void> => {
    const { settings, untilReady, isPaused } = this.#props
    return untilReady(isPaused() ? Infinity : settings.pollIntervalMs)
  }

  /** @returns undefined when the store couldn't be reached */
  async #request(): Promise<LeasedAttempts | undefined> {
    const { settings, record, trying } = this.#props
    const { maxAttempts: numberOfWorkUnits, runtimes, lifetimeMs: lifetime, clock } = settings
    this.#last ??= greatestId(await this.#active())
    const unanswered = await this.#unanswered()
    if (unanswered === undefined || unanswered.attempts.length > 0) return unanswered
    const askedAt = clock.elapsed()
    this.#unansweredAt = askedAt
    const attempts = await trying(() => record.requestAttempts({ numberOfWorkUnits, runtimes, lifetime }))
    if (attempts === undefined) return undefined
    this.#unansweredAt = undefined
    return { attempts: attemptHandles(attempts), askedAt }
  }

  /** The attempts leased by the last request, if that wasn't answered. */
  async #unanswered(): Promise<LeasedAttempts | undefined> {
    const last = this.#last
    const askedAt = this.#unansweredAt
    if (last === undefined) return undefined
    if (askedAt === undefined) return { attempts: [], askedAt: 0 }
    const active = await this.#active()
    if (active === undefined) return undefined
    this.#unansweredAt = undefined
    return { attempts: active.filter(({ leased }) => leased.id > last), askedAt }
  }

  async #active(): Promise<AttemptHandle[] | undefined> {
    const { record, trying } = this.#props
    const active = await trying(() => record.activeAttempts())
    return active && attemptHandles(active)
  }
}

function greatestId(attempts: readonly AttemptHandle[] | undefined): number | undefined {
  return attempts && Math.max(0, ...attempts.map(({ leased }) => leased.id))
}
