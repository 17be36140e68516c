import type { Clock } from '../../core/clock.ts'

/**
 *     inactive ──► ready ◄──► working
 *      │   │         │           │
 *      │   └────┬────┴─────┬─────┘
 *      │        ▼          ▼
 *      │     stopping     gone          stopping: it was told to stop, is being killed or has broken
 *      │      │    │       │            gone: it has closed its relay, or ended by itself
 *      │      ▼    ▼       │
 *      │  stopped  errored ◄            final
 *      └──────────────▲
 *
 * An `inactive` one has not answered the handshake, or could not be spawned and goes straight to `errored`. One that stops
 * ends as `errored` if it had broken, else as `stopped`.
 */
export type WorkerState = 'inactive' | 'ready' | 'working' | 'stopping' | 'gone' | 'stopped' | 'errored'

const moves: Readonly<Record<WorkerState, readonly WorkerState[]>> = {
  inactive: ['ready', 'stopping', 'gone', 'errored'],
  ready: ['working', 'stopping', 'gone'],
  working: ['ready', 'stopping', 'gone'],
  stopping: ['stopped', 'errored'],
  gone: ['errored'],
  stopped: [],
  errored: [],
}

/** The state of one worker, and since when it has it. */
export class StateOfWorker {
  readonly #clock: Clock
  readonly #timed: boolean
  #current: WorkerState = 'inactive'
  #updatedMs = 0
  #since = 0
  #hasWorked = false

  /** @param timed whether anybody asks for `since`: a look at each of two clocks would be much of what a task costs */
  constructor(clock: Clock, timed: boolean) {
    this.#clock = clock
    this.#timed = timed
    this.#note()
  }

  get current(): WorkerState {
    return this.#current
  }

  get updated(): Date {
    return new Date(this.#updatedMs)
  }

  /** On the scale of `elapsed`. */
  get since(): number {
    return this.#since
  }

  get hasWorked(): boolean {
    return this.#hasWorked
  }

  /** Its process is there, and nothing has been said or seen of its end. */
  get isUp(): boolean {
    return moves[this.#current].includes('stopping')
  }

  /** @throws Error for a move that isn't drawn above: a bug in the pool */
  moveTo(next: WorkerState): void {
    if (!moves[this.#current].includes(next)) {
      throw new Error(`a worker can't go from ${this.#current} to ${next}`)
    }
    this.#current = next
    this.#hasWorked ||= next === 'working'
    this.#note()
  }

  #note(): void {
    this.#updatedMs = this.#clock.now()
    if (this.#timed) this.#since = this.#clock.elapsed()
  }
}
