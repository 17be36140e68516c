import type { Clock, Timer } from '../core/clock.ts'
import type { SupervisedWorker } from './worker/supervised-worker.ts'

/** The workers to ping. */
interface PingedWorkers {
  readonly active: readonly SupervisedWorker[]
}

/** Time to read answers that arrived while this process itself was blocked. */
const GRACE_MS = 200

/** Pings idle workers, so that a frozen one is found before it gets a task. */
export class Pings {
  readonly #pingMs: number
  readonly #clock: Clock
  #timer: Timer | undefined
  #grace: Timer | undefined

  constructor(pingMs: number, clock: Clock) {
    this.#pingMs = pingMs
    this.#clock = clock
  }

  start(workers: PingedWorkers): void {
    if (this.#pingMs < Infinity) {
      this.#timer = this.#clock.setTimeout(() => this.#ask(workers), this.#pingMs)
    }
  }

  stop(): void {
    this.#timer?.clear()
    this.#grace?.clear()
  }

  #ask({ active }: PingedWorkers): void {
    this.#timer!.restartAt(this.#clock.elapsed() + this.#pingMs)
    const silent = active.filter(({ suspect }) => suspect)
    for (const worker of active) worker.ping()
    if (silent.length === 0) return
    this.#grace = this.#clock.setTimeout(() => {
      for (const worker of silent) if (worker.suspect) worker.giveUp(this.#pingMs)
    }, GRACE_MS)
  }
}
