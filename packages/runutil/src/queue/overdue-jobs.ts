import type { Clock, Timer } from '../core/clock.ts'
import type { JobSlots } from './job-slots.ts'
import type { ClaimedJob } from './job.ts'
import type { Prefetch } from './prefetch.ts'
import type { Releaser } from './releaser.ts'

/** A job found waiting by two checks has waited for at least this long, and for less than twice as long. */
const EVERY_MS = 500

export interface OverdueJobsProps {
  readonly slots: JobSlots
  readonly clock: Clock
  readonly prefetch: Prefetch
  readonly releaser: Releaser
}

/** Releases jobs that wait too long for a slot: behind long jobs here, another process could run them sooner. */
export class OverdueJobs {
  readonly #props: OverdueJobsProps
  /** The last job that waited at the previous check. */
  #seen: ClaimedJob | undefined
  #timer: Timer | undefined

  constructor(props: OverdueJobsProps) {
    this.#props = props
  }

  /** Starts checking, for as long as jobs wait. */
  watch(): void {
    const { slots, clock } = this.#props
    if (this.#timer !== undefined || slots.waiting.length === 0) return
    this.#timer = clock.setTimeout(this.#look, EVERY_MS)
  }

  stop(): void {
    this.#timer?.clear()
  }

  readonly #look = (): void => {
    const { slots, prefetch, releaser } = this.#props
    this.#timer = undefined
    const overdue = this.#seen === undefined ? [] : slots.takeWaiting(this.#seen)
    this.#seen = slots.waiting.at(-1)
    this.watch()
    if (overdue.length === 0) return
    prefetch.stalled()
    releaser.add(overdue)
  }
}
