import type { Clock } from '../core/clock.ts'
import { log } from '../core/log.ts'
import type { Child } from './child.ts'
import { fairTimeout } from './fair-timeout.ts'

const PATIENCE_MS = 10_000

/** Warns, once per start, which worker waits long for which other. */
export class WaitWarning {
  readonly #clock: Clock
  #waiting = new Set<Child>()
  #timer: { clear(): void } | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(child: Child): void {
    this.#waiting.add(child)
    this.#timer ??= fairTimeout(this.#clock, PATIENCE_MS, () => this.#warn())
  }

  clear(): void {
    this.#timer?.clear()
    this.#timer = undefined
    this.#waiting.clear()
  }

  #warn(): void {
    const waiting = [...this.#waiting].filter(({ isWaiting }) => isWaiting)
    this.clear()
    for (const child of waiting) {
      const missing = child.place?.waitsFor
        .flatMap((gate) => gate.before)
        .find(({ isUp, record }) => !isUp && record.state === 'starting')
      if (missing === undefined) continue
      const message = `${child.path} waits for ${missing.path}, which has not called workerReady()`
      log(child.logger, 'warn', {}, message)
    }
  }
}
