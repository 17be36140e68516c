import { brandError } from '../core/brand.ts'
import { systemClock } from '../core/clock-system.ts'
import type { Timer } from '../core/clock.ts'
import { type Duration, toMs } from '../core/duration.ts'

/** A Probe was not hit as often as a test expected. */
export class ProbeTimeoutError extends Error {
  readonly code = 'ERR_PROBE_TIMEOUT'
  static {
    brandError(this, 'ProbeTimeoutError')
  }
}

interface Waiting {
  count: number
  resolve: () => void
}

/**
 * A named moment in code under test. The code hits it, the test awaits it instead of sleeping.
 *
 * @example
 * const polled = new Probe<string>('polled')
 * worker.onPoll = (url) => polled.hit(url)
 * await polled.times(3)
 */
export class Probe<T = void> {
  /** Begins the message of a ProbeTimeoutError. */
  readonly name: string
  readonly #timeoutMs: number
  readonly #values: T[] = []
  readonly #waiting = new Set<Waiting>()

  /** @param timeout how long, in real time, a test waits before it fails. Default 5 s. */
  constructor(name = 'probe', timeout: Duration = '5s') {
    this.name = name
    this.#timeoutMs = toMs(timeout, 'Probe')
  }

  /** The values of the hits, in order. */
  get values(): readonly T[] {
    return this.#values
  }

  /** The number of hits. */
  get count(): number {
    return this.#values.length
  }

  /** Counts a hit, and resolves what waits for it. Called by the code under test; never throws. */
  hit(value: T): void {
    this.#values.push(value)
    for (const waiting of this.#waiting) {
      if (waiting.count <= this.count) waiting.resolve()
    }
  }

  /**
   * Resolves with the values once there were `count` hits in all; at once if there already were.
   *
   * @throws ProbeTimeoutError
   */
  async times(count: number): Promise<readonly T[]> {
    if (this.count < count) await this.#wait(count)
    return this.#values
  }

  /**
   * Resolves with the value of the next hit from now on.
   *
   * @throws ProbeTimeoutError
   */
  async next(): Promise<T> {
    const at = this.count
    await this.#wait(at + 1)
    return this.#values[at] as T
  }

  #wait(count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = { count, resolve: () => settle(resolve) }
      const timer: Timer = systemClock.setTimeout(
        () => settle(() => reject(this.#missed(count))),
        this.#timeoutMs,
      )
      const settle = (how: () => void): void => {
        timer.clear()
        this.#waiting.delete(waiting)
        how()
      }
      this.#waiting.add(waiting)
    })
  }

  #missed(count: number): ProbeTimeoutError {
    return new ProbeTimeoutError(
      `${this.name}: expected to be hit ${count} times within ${this.#timeoutMs} ms; was hit ${this.count} times`,
    )
  }
}
