import { availableParallelism } from 'node:os'
import { systemClock } from '../../core/clock-system.ts'
import { elapsedNow } from '../../core/clock.ts'
import { nextTurn } from '../../core/event-loop.ts'

interface SpinProps {
  /** In milliseconds. */
  readonly now: () => number
  /** Calls back in the next turn of the event loop. */
  readonly nextTurn: (callback: () => void) => void
  readonly processors: number
}

/** How long after a task is sent the event loop is kept from sleeping: to be woken takes about as long. */
const LIMIT_MS = 0.07
/** Where most tasks take longer, one of so many is tried. */
const RAREST = 64
/** How many more misses than hits it takes until they are taken to be long. */
const TRUST = 8

/**
 * Keeps the event loop turning while a short task runs, since to be woken from its sleep can take longer than the task. A task
 * that runs for longer is a miss; where there are more misses than hits, only one task in 64 is tried, until there is a hit.
 */
export class Spin {
  readonly #props: SpinProps
  #busy = 0
  #until = 0
  #spinning = false
  /** From 0 to TRUST: up with each hit, down with each miss. */
  #trust = TRUST
  /** How many of the next tasks are not tried. */
  #skips = 0

  constructor(props: SpinProps) {
    this.#props = props
  }

  /** A worker has been sent a task. */
  began(): void {
    this.#busy++
    if (this.#hasNoProcessor) return
    if (this.#skips > 0) {
      this.#skips--
      return
    }
    const { now, nextTurn } = this.#props
    this.#until = now() + LIMIT_MS
    if (this.#spinning) return
    this.#spinning = true
    nextTurn(this.#turn)
  }

  /** A worker has no task any more. @param answered whether it goes on */
  ended(answered: boolean): void {
    this.#busy--
    if (answered && this.#spinning && this.#trust < TRUST) this.#trust++
  }

  /** Whether the workers that are busy need all processors, so that to spin would take one from them. */
  get #hasNoProcessor(): boolean {
    return this.#busy >= this.#props.processors
  }

  readonly #turn = (): void => {
    const { now, nextTurn } = this.#props
    this.#spinning = false
    if (this.#busy === 0 || this.#hasNoProcessor) return
    if (now() >= this.#until) return this.#miss()
    this.#spinning = true
    nextTurn(this.#turn)
  }

  #miss(): void {
    if (this.#trust > 0) this.#trust--
    if (this.#trust === 0) this.#skips = RAREST - 1
  }
}

/** One for the process: the pools share its event loop and the processors. */
export const spin = new Spin({
  now: () => elapsedNow(systemClock),
  nextTurn,
  processors: availableParallelism(),
})
