import type { Clock, Timer } from 'runutil'
import type { VirtualClock } from 'runutil/testing'

/**
 * The clock of a process that can be suspended or blocked: time advances, but its timers fire only when it resumes. Two of
 * them on one VirtualClock are two processes on one machine.
 */
export class FreezableClock implements Clock {
  readonly #clock: VirtualClock
  #frozen = false
  #due = new Set<() => void>()

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  freeze(): void {
    this.#frozen = true
  }

  async thaw(): Promise<void> {
    this.#frozen = false
    const due = [...this.#due]
    this.#due.clear()
    for (const fire of due) fire()
    await this.#clock.advance(0)
  }

  now(): number {
    return this.#clock.now()
  }

  elapsed(): number {
    return this.#clock.elapsed()
  }

  random(): number {
    return this.#clock.random()
  }

  setTimeout(callback: () => void, delayMs: number): Timer {
    return this.setTimeoutAt(callback, this.elapsed() + delayMs)
  }

  setTimeoutAt(callback: () => void, elapsedMs: number): Timer {
    const fire = (): void => {
      if (this.#frozen) this.#due.add(fire)
      else callback()
    }
    const timer = this.#clock.setTimeoutAt(fire, elapsedMs)
    const clear = (): void => {
      this.#due.delete(fire)
      timer.clear()
    }
    const restartAt = (at: number): void => {
      this.#due.delete(fire)
      timer.restartAt(at)
    }
    return { clear, restartAt }
  }
}
