import { currentClock } from '../core/context.ts'
import { within } from '../core/within.ts'
import type { JobQueue } from '../queue/job-queue.ts'
import type { KindStats } from '../queue/kind-stats.ts'

const SHARED_MS = 2_000
/** Less than what Prometheus waits for, so that what the process itself knows still gets there. */
const LIMIT_MS = 2_000

/** What the store knows of kinds: asked for only at a scrape, never twice at a time, and shared by all scrapes of 2 s. */
export class SharedStats {
  readonly #queue: JobQueue
  #last: { readonly at: number; readonly asking: Promise<readonly KindStats[] | undefined> } | undefined
  #isAsking = false

  constructor(queue: JobQueue) {
    this.#queue = queue
  }

  /** Undefined while it is unknown: the store failed, or takes longer than 2 s. */
  async ask(): Promise<readonly KindStats[] | undefined> {
    const clock = currentClock()
    const now = clock.elapsed()
    if (this.#last === undefined || (!this.#isAsking && now - this.#last.at >= SHARED_MS)) {
      this.#last = { at: now, asking: this.#ask() }
    }
    const { asking } = this.#last
    return (await within(asking, LIMIT_MS, clock)) ? asking : undefined
  }

  async #ask(): Promise<readonly KindStats[] | undefined> {
    this.#isAsking = true
    try {
      return await this.#queue.stats()
    } catch {
      return undefined
    } finally {
      this.#isAsking = false
    }
  }
}
