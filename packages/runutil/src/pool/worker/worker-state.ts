import type { Clock } from '../../core/clock.ts'
import type { Spin } from './spin.ts'

/**
 *     inactive ──► ready ◄──► working
 *      │   │         │           │
 *      │   └────┬────┴─────┬─────┘
 *      │        ▼          ▼
 *      │     stopping     gone          stopping: was asked to stop, is being killed or has broken
 *      │      │    │       │            gone: has closed its relay, or ended by itself
 *      │      ▼    ▼       │
 *      │  stopped  errored ◄            final
 *      └──────────────▲
 *
 * An `inactive` worker has not answered the handshake; if it could not be spawned, it goes straight to `errored`. A `stopping`
 * worker ends as `errored` if it had broken, else as `stopped`.
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

/** The state of one worker, and the time of its last change. */
export class StateOfWorker {
  readonly #clock: Clock
  readonly #timed: boolean
  readonly #spin: Spin | undefined
  #current: WorkerState = 'inactive'
  #updatedMs = 0
  #since = 0
  #hasWorked = false

  /**
   * @param timed whether `since` is used; reading the clock twice per task would be a large part of the cost of a task
   * @param spin told when the worker begins to work, and when it doesn't any more
   */
  constructor(clock: Clock, timed: boolean, spin?: Spin) {
    this.#clock = clock
    this.#timed = timed
    this.#spin = spin
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

  /** Whether the worker's process is running, and neither was asked to stop nor shows signs of ending. */
  get isUp(): boolean {
    return moves[this.#current].includes('stopping')
  }

  /** @throws Error for a transition that isn't in the diagram above: a bug in the pool */
  moveTo(next: WorkerState): void {
    if (!moves[this.#current].includes(next)) {
      throw new Error(`a worker can't go from ${this.#current} to ${next}`)
    }
    if (this.#spin !== undefined) this.#tell(this.#spin, next)
    this.#current = next
    this.#hasWorked ||= next === 'working'
    this.#note()
  }

  #tell(spin: Spin, next: WorkerState): void {
    if (next === 'working') spin.began()
    else if (this.#current === 'working') spin.ended(next === 'ready')
  }

  #note(): void {
    this.#updatedMs = this.#clock.now()
    if (this.#timed) this.#since = this.#clock.elapsed()
  }
}
