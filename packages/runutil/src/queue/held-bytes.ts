import type { Clock, Timer } from '../core/clock.ts'
import type { ClaimedJob } from './job.ts'

/** How long jobs are held back before that is reported. */
const REPORT_AFTER_MS = 60_000

export interface HeldBytesProps {
  /** The most bytes of payload to hold; a larger job is held alone. */
  readonly most: number
  readonly clock: Clock
  /** Jobs have waited for a minute because their bytes don't fit. */
  readonly onHeldBack: () => void
}

/** Counts the payloads that a worker holds, from their claim until their outcome is recorded. */
export class HeldBytes {
  readonly #props: HeldBytesProps
  #bytes = 0
  /** How many jobs the last claim returned, if it left others because of their bytes. */
  #fitted: number | undefined
  #timer: Timer | undefined

  constructor(props: HeldBytesProps) {
    this.#props = props
  }

  get isHeldBack(): boolean {
    return this.#timer !== undefined
  }

  /** How many jobs to claim: none when full, and not many more than fitted the last time. */
  room(limit: number): number {
    if (this.#bytes > 0 && this.#bytes >= this.#props.most) {
      this.#heldBack()
      return 0
    }
    return this.#fitted === undefined ? limit : Math.min(limit, 2 * this.#fitted + 1)
  }

  get left(): { maxBytes: number; orOne: boolean } {
    return { maxBytes: Math.max(0, this.#props.most - this.#bytes), orOne: this.#bytes === 0 }
  }

  /** @param heldBack whether the claim left jobs because of their bytes */
  claimed(jobs: readonly ClaimedJob[], heldBack: boolean): void {
    for (const { payloadBytes } of jobs) if (payloadBytes !== undefined) this.#bytes += payloadBytes
    if (heldBack) {
      this.#fitted = jobs.length
      this.#heldBack()
    } else {
      // All that were claimed fitted: there may be room for more.
      this.#fitted = undefined
      this.stop()
    }
  }

  delete({ payloadBytes }: ClaimedJob): void {
    if (payloadBytes !== undefined) this.#bytes -= payloadBytes
  }

  stop(): void {
    this.#timer?.clear()
    this.#timer = undefined
  }

  #heldBack(): void {
    this.#timer ??= this.#props.clock.setTimeout(this.#props.onHeldBack, REPORT_AFTER_MS)
  }
}
