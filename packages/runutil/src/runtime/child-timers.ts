import type { Clock, Timer } from '../core/clock.ts'
import type { WorkerRecord } from '../core/worker-record.ts'
import { fairTimeout } from './fair-timeout.ts'
import { lastSignOf, watchSigns } from './signs-of-life.ts'

/** The timers of one run of a worker: start timeout, watchdog and recovery. */
export class ChildTimers {
  readonly #clock: Clock
  readonly #record: WorkerRecord
  #timer: Pick<Timer, 'clear'> | undefined
  #recovery: Timer | undefined

  constructor(clock: Clock, record: WorkerRecord) {
    this.#clock = clock
    this.#record = record
  }

  limitStart(ms: number, onLate: () => void): void {
    this.#timer = fairTimeout(this.#clock, ms, onLate)
  }

  started(): void {
    this.#timer?.clear()
  }

  /** @param onSilent called after `ms` without a sign of life of the worker, and of any beneath it */
  watch(ms: number, onSilent: () => void): void {
    const record = this.#record
    watchSigns(record)
    const look = (): void => {
      const silentMs = this.#clock.elapsed() - lastSignOf(record)
      if (silentMs < ms) this.#timer = fairTimeout(this.#clock, ms - silentMs, look)
      else onSilent()
    }
    this.#timer = fairTimeout(this.#clock, ms, look)
  }

  /** Marks a worker that makes no health checkpoints as recovered after `ms`. */
  expectRecovery(ms: number): void {
    const record = this.#record
    if (record.health !== 'firing' || record.spoke) return
    this.#recovery = this.#clock.setTimeout(() => {
      if (record.health === 'firing' && !record.spoke) record.health = 'ok'
    }, ms)
  }

  clear(): void {
    this.#timer?.clear()
    this.#recovery?.clear()
  }
}
