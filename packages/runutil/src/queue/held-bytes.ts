import type { Clock, Timer } from '../core/clock.ts'
import type { ClaimedJob } from './job.ts'

/** Held back for so long, somebody should know why. */
const PATIENCE_MS = 60_000

export interface HeldBytesProps {
  /** So many bytes of payload are held; of a larger job, it alone. */
  readonly most: number
  readonly clock: Clock
  /** Jobs have waited for a minute since there is no room for their bytes. */
  readonly onHeldBack: () => void
}

/** Counts the payloads that a worker holds, from their claim until their outcome is recorded. */
export class HeldBytes {
  readonly #props: HeldBytesProps
  #bytes = 0
  /** How many jobs the last claim brought, when it left others for their bytes. */
  #fitted: number | undefined
  #timer: Timer | undefined

  constructor(props: HeldBytesProps) {
    this.#props = props
  }

  get isHeldBack(): boolean {
    return this.#timer !== undefined
  }

  /** How many jobs to ask for: none when it is full, and not many more than had room the last time. */
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

  /** @param heldBack whether others were left for their bytes */
  claimed(jobs: readonly ClaimedJob[], heldBack: boolean): void {
    for (const { payloadBytes } of jobs) if (payloadBytes !== undefined) this.#bytes += payloadBytes
    if (heldBack) {
      this.#fitted = jobs.length
      this.#heldBack()
    } else {
      // It brought as many as were asked for: there may be room for more.
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
    this.#timer ??= this.#props.clock.setTimeout(this.#props.onHeldBack, PATIENCE_MS)
  }
}
