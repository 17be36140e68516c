import { type LinkedController, linkedController } from '../core/linked-controller.ts'
import type { Child } from './child.ts'

/** Up to so many, each worker has a signal of its own. */
const MANY = 1_000

/**
 * A signal's listeners are a list that is walked for each one added, so 100,000 workers that listen to one
 * signal take half a minute. A signal each costs 900 bytes and 15 µs. So they share, this many at a time.
 */
const WORKERS_PER_SIGNAL = 64

/** The signals of a group's workers: in a large group, those that nobody would stop alone share them. */
export class GroupSignals {
  readonly #areMany: boolean
  #shared: LinkedController | undefined
  #sharing = 0

  constructor(workers: number) {
    this.#areMany = workers > MANY
  }

  /** Whether only the whole group can be stopped, not this one. */
  isShared({ attempts, place, spec }: Child): boolean {
    const { restart, startTimeoutMs, stopTimeoutMs, watchdogMs, kind } = spec
    const isPlain =
      attempts === undefined &&
      place === undefined &&
      restart === 'permanent' &&
      kind !== 'supervisor' &&
      kind !== 'class'
    const hasTimes = startTimeoutMs !== undefined || stopTimeoutMs !== undefined || watchdogMs !== undefined
    return this.#areMany && isPlain && !hasTimes
  }

  /** For its next run, one of its own: what an earlier run left listening isn't to hear of this one's end. */
  of(child: Child): LinkedController {
    if (!this.isShared(child)) return linkedController()
    if (this.#shared === undefined || this.#sharing++ % WORKERS_PER_SIGNAL === 0)
      this.#shared = linkedController()
    return this.#shared
  }
}
