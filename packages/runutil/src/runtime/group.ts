import { offAbort, onAbort } from '../core/abort.ts'
import type { Clock } from '../core/clock.ts'
import { keepAlive } from '../core/event-loop.ts'
import { isAbortOf } from '../core/is-abort-of.ts'
import { type LinkedController, linkedController } from '../core/linked-controller.ts'
import { toError } from '../core/thrown.ts'
import {
  ErrWorkerExitedPrematurely,
  type Failure,
  ShutdownTimeoutError,
  SiblingExitedError,
  WorkerGroupError,
} from './errors.ts'
import type { Grace } from './grace.ts'

/** One of a group. */
export interface Member {
  /** What errors call it. */
  readonly label: string
  start(signal: AbortSignal): Promise<void>
}

export interface GroupProps {
  readonly members: readonly Member[]
  readonly start: (member: Member, signal: AbortSignal) => Promise<void>
  readonly signal: AbortSignal | undefined
  /** Begins when the group is told to stop. */
  readonly grace: Grace
  readonly clock: Clock
  /** Whether the first exit aborts the others, and returning early is an error. */
  readonly exitStopsAll: boolean
}

/**
 * A signal's listeners are a list that is walked for each one added, so 100,000 workers that listen to one
 * signal take half a minute. A signal each costs 800 bytes and 5 µs. So they share, this many at a time.
 */
const MEMBERS_PER_SIGNAL = 64

/**
 * Members that run together and stop together.
 *
 * running ─► stopping ─► settled. `stopping` begins with the first reason to stop: the caller's abort or, where
 * exits stop all, the first exit. `settled` comes when all members are done or the grace period is over.
 */
export class Group {
  readonly #props: GroupProps
  readonly #controllers: LinkedController[] = []
  readonly #failures: Failure[] = []
  readonly #running: Set<Member>
  #stopReason: { reason: unknown } | undefined
  #settle: () => void = () => {}

  constructor(props: GroupProps) {
    this.#props = props
    this.#running = new Set(props.members)
  }

  /** @throws WorkerGroupError */
  async run(): Promise<void> {
    const { members, signal } = this.#props
    if (members.length === 0) return
    const alive = keepAlive()
    const settled = new Promise<void>((resolve) => (this.#settle = resolve))
    const stop = (): void => this.#stop(signal?.reason)
    onAbort(signal, stop)
    this.#startAll()
    await settled
    offAbort(signal, stop)
    alive.clear()
    this.#throwFailures()
  }

  #startAll(): void {
    let controller: LinkedController | undefined
    for (const [at, member] of this.#props.members.entries()) {
      if (this.#stopReason !== undefined) {
        this.#skip(member)
        continue
      }
      if (controller === undefined || at % MEMBERS_PER_SIGNAL === 0) {
        controller = linkedController()
        this.#controllers.push(controller)
      }
      this.#props.start(member, controller.signal).then(
        () => this.#returned(member),
        (error: unknown) => this.#threw(member, error),
      )
    }
  }

  /** The abort came before this member's turn. A worker has nothing to do then; a job stays undone. */
  #skip(member: Member): void {
    if (this.#props.exitStopsAll) this.#returned(member)
    else this.#threw(member, this.#props.signal?.reason)
  }

  #returned(member: Member): void {
    if (this.#props.exitStopsAll && this.#stopReason === undefined) {
      this.#threw(member, new ErrWorkerExitedPrematurely(member.label))
    } else {
      this.#exited(member)
    }
  }

  #threw(member: Member, thrown: unknown): void {
    const worker = member.label
    const error = toError(thrown)
    attribute(error, worker)
    this.#failures.push({ worker, error })
    if (this.#props.exitStopsAll) this.#stop(new SiblingExitedError(worker, error))
    this.#exited(member)
  }

  #exited(member: Member): void {
    this.#running.delete(member)
    if (this.#running.size === 0) this.#settle()
  }

  #stop(reason: unknown): void {
    if (this.#stopReason !== undefined) return
    this.#stopReason = { reason }
    for (const controller of this.#controllers) controller.abort(reason)
    this.#limitGrace()
  }

  #limitGrace(): void {
    const { grace, clock } = this.#props
    grace.begin()
    const { ms } = grace
    if (ms === undefined) return
    const timer = clock.setTimeout(() => {
      const late = Array.from(this.#running, (member) => member.label)
      this.#failures.push({ worker: late.join(', '), error: new ShutdownTimeoutError(late, ms) })
      this.#settle()
    }, ms)
    const settle = this.#settle
    this.#settle = () => {
      timer.clear()
      settle()
    }
  }

  #throwFailures(): void {
    const { signal, exitStopsAll } = this.#props
    const stoppedByCaller = signal?.aborted === true && this.#stopReason?.reason === signal.reason
    // What a worker awaited with our signal rejects with the signal's reason: that is stopping as it was asked.
    const expected = (error: Error): boolean => exitStopsAll && stoppedByCaller && isAbortOf(signal, error)
    const failures = this.#failures.filter(({ error }) => !expected(error))
    if (failures.length > 0) throw new WorkerGroupError(failures)
  }
}

/** Lets the error say whose it is, without showing up where errors are printed or compared. */
function attribute(error: Error, worker: string): void {
  try {
    if ('worker' in error || !Object.isExtensible(error)) return
    Object.defineProperty(error, 'worker', { value: worker, configurable: true, writable: true })
  } catch {
    // A Proxy that doesn't let us.
  }
}
