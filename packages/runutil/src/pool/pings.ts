import type { Clock, Timer } from '../core/clock.ts'
import type { WorkerProcess } from './worker/worker-process.ts'

export interface PingsProps {
  readonly pingMs: number
  readonly clock: () => Clock
  readonly workers: () => readonly WorkerProcess[]
}

/** For what has come while this process itself was blocked to be read before anybody is judged. */
const GRACE_MS = 200

/** Asks idle workers now and then whether they are there, so that a frozen one is found before it gets a task. */
export class Pings {
  readonly #props: PingsProps
  #timer: Timer | undefined
  #grace: Timer | undefined

  constructor(props: PingsProps) {
    this.#props = props
  }

  start(): void {
    const { pingMs, clock } = this.#props
    if (pingMs < Infinity) this.#timer = clock().setTimeout(this.#tick, pingMs)
  }

  stop(): void {
    this.#timer?.clear()
    this.#grace?.clear()
  }

  readonly #tick = (): void => {
    const { pingMs, clock, workers } = this.#props
    this.#timer!.restartAt(clock().elapsed() + pingMs)
    const silent = workers().filter(({ suspect }) => suspect)
    for (const worker of workers()) worker.ping()
    if (silent.length === 0) return
    this.#grace = clock().setTimeout(() => {
      for (const worker of silent) if (worker.suspect) worker.giveUp(pingMs)
    }, GRACE_MS)
  }
}
