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

const bits: Readonly<Record<WorkerState, number>> = {
  inactive: 1,
  ready: 2,
  working: 4,
  stopping: 8,
  gone: 16,
  stopped: 32,
  errored: 64,
}

/** The bits of the states that may follow; two lookups a task are part of its cost. */
const moves: Readonly<Record<WorkerState, number>> = {
  inactive: bits.ready | bits.stopping | bits.gone | bits.errored,
  ready: bits.working | bits.stopping | bits.gone,
  working: bits.ready | bits.stopping | bits.gone,
  stopping: bits.stopped | bits.errored,
  gone: bits.errored,
  stopped: 0,
  errored: 0,
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
    return (moves[this.#current] & bits.stopping) !== 0
  }

  /** @throws Error for a transition that isn't in the diagram above: a bug in the pool */
  moveTo(next: WorkerState): void {
    if ((moves[this.#current] & bits[next]) === 0) {
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
