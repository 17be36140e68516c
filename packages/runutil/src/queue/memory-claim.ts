import type { ClaimOptions } from './claim-options.ts'
import type { Allowance } from './memory-limits.ts'
import { bytesOf } from './payload-bytes.ts'
import type { StoredJob } from './stored-job.ts'

/** One claim's jobs, chosen in the order of claiming: see ClaimOptions. */
export class MemoryClaim {
  readonly #jobs: StoredJob[] = []
  readonly #limit: number
  readonly #options: ClaimOptions
  #bytes = 0
  #isFull = false

  constructor(limit: number, options: ClaimOptions) {
    this.#limit = limit
    this.#options = options
  }

  /** The jobs, given in the order of claiming, that the limits of their kinds allow. */
  choose(waiting: Iterable<StoredJob>, allowances: ReadonlyMap<string, Allowance>, now: number): StoredJob[] {
    for (const job of waiting) {
      if (this.#hasAll) break
      const allowance = allowances.get(job.kind)
      if (job.runAt > now || !allowance?.allows(job.key) || this.#leaves(job)) continue
      allowance.take(job.key)
      this.#add(job)
    }
    return this.#jobs
  }

  get #hasAll(): boolean {
    return this.#isFull || this.#jobs.length >= this.#limit
  }

  /** Whether the job is left to another claim because it is on its last chance. */
  #leaves(job: StoredJob): boolean {
    const leaves = this.#isLast(job) && (this.#jobs.length > 0 || this.#options.lastChance === false)
    if (leaves) this.#options.onLastChance?.()
    return leaves
  }

  #add(job: StoredJob): void {
    const { maxBytes = Infinity, orOne = true, onHeldBack } = this.#options
    const bytes = bytesOf(job.payload) ?? 0
    if (bytes > maxBytes - this.#bytes && !(orOne && this.#jobs.length === 0)) {
      this.#isFull = true
      onHeldBack?.()
      return
    }
    this.#jobs.push(job)
    this.#bytes += bytes
    this.#isFull = this.#isLast(job)
  }

  #isLast({ crashes }: StoredJob): boolean {
    return crashes === this.#options.maxCrashes
  }
}
