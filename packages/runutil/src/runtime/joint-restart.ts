import type { Clock } from '../core/clock.ts'
import { sleep } from '../core/wait.ts'
import type { Child } from './child.ts'
import { SiblingExitedError } from './errors.ts'

export interface JointRestartProps {
  readonly clock: Clock
  /** All children of the supervisor, in order. */
  readonly children: readonly Child[]
  /** Aborts when the group stops: then nothing is restarted. */
  readonly signal: AbortSignal
  readonly start: (child: Child) => void
}

/**
 * Restarts several children: stops them one after another, the last first, and starts them in order after the delay.
 *
 * stopping ─► waiting ─► over. A failure during it joins: the union of the children, the later start.
 */
export class JointRestart {
  readonly #props: JointRestartProps
  readonly #joined = new Set<Child>()
  #startsAt = 0
  #cause: SiblingExitedError | undefined
  isOver = false

  constructor(props: JointRestartProps) {
    this.#props = props
  }

  /** @param at when the failed child may start again, on the scale of `clock.elapsed()` */
  join(children: readonly Child[], at: number, failed: Child, error: Error): void {
    for (const child of children) {
      this.#joined.add(child)
      child.cancel()
    }
    this.#startsAt = Math.max(this.#startsAt, at)
    this.#cause ??= new SiblingExitedError(failed.path, error)
  }

  leave(child: Child): void {
    this.#joined.delete(child)
  }

  has(child: Child): boolean {
    return !this.isOver && this.#joined.has(child)
  }

  async run(): Promise<void> {
    const { clock, signal, children, start } = this.#props
    do {
      await this.#stopAll()
      const leftMs = this.#startsAt - clock.elapsed()
      await sleep(clock, Math.max(0, leftMs), signal)
      if (signal.aborted) return
    } while (this.#lastRunning() !== undefined || this.#startsAt > clock.elapsed())
    this.isOver = true
    for (const child of children) if (this.#joined.has(child) && !signal.aborted) start(child)
  }

  async #stopAll(): Promise<void> {
    for (let last = this.#lastRunning(); last !== undefined; last = this.#lastRunning()) {
      if (this.#props.signal.aborted) return
      await last.stop(this.#cause, last.stopLimitMs)
    }
  }

  #lastRunning(): Child | undefined {
    return this.#props.children.findLast((child) => this.#joined.has(child) && child.body !== undefined)
  }
}
