import { type LinkedController, linkedController } from '../core/linked-controller.ts'
import type { Child } from './child.ts'

/** At most this many workers in a group have a signal of their own. */
const MANY = 1_000

/**
 * A signal's listeners are a list that is walked for each one added, so 100,000 workers that listen to one
 * signal take half a minute. A signal each costs 900 bytes and 15 µs. So they share, this many at a time.
 */
const WORKERS_PER_SIGNAL = 64

/** The signals of a group's workers. In a large group, workers that are never stopped alone share them. */
export class GroupSignals {
  readonly #areMany: boolean
  #shared: LinkedController | undefined
  #sharing = 0

  constructor(workers: number) {
    this.#areMany = workers > MANY
  }

  /** Whether it can only be stopped with its group. */
  isShared({ attempts, place, spec }: Child): boolean {
    const { restart, startTimeoutMs, stopTimeoutMs, watchdogMs, kind, first } = spec
    const isPlain =
      attempts === undefined &&
      place === undefined &&
      restart === 'permanent' &&
      first === undefined &&
      kind !== 'supervisor' &&
      kind !== 'class'
    const hasTimes = startTimeoutMs !== undefined || stopTimeoutMs !== undefined || watchdogMs !== undefined
    return this.#areMany && isPlain && !hasTimes
  }

  /** Each run has its own, so that listeners left by an earlier run are not called at this one's end. */
  of(child: Child): LinkedController {
    if (!this.isShared(child)) return linkedController()
    if (this.#shared === undefined || this.#sharing++ % WORKERS_PER_SIGNAL === 0)
      this.#shared = linkedController()
    return this.#shared
  }
}
