import { currentClock } from '../core/context.ts'
import { within } from '../core/within.ts'

const SHARED_MS = 2_000
/** Less than what Prometheus waits for, so that what the process itself knows still gets there. */
const LIMIT_MS = 2_000

/** What a store knows: asked for only at a scrape, never twice at a time, and shared by all scrapes of 2 s. */
export class SharedAnswer<T> {
  readonly #question: () => Promise<T>
  #last: { readonly at: number; readonly asking: Promise<T | undefined> } | undefined
  #isAsking = false

  constructor(question: () => Promise<T>) {
    this.#question = question
  }

  /** Undefined while it is unknown: the store failed, or takes longer than 2 s. */
  async ask(): Promise<T | undefined> {
    const clock = currentClock()
    const now = clock.elapsed()
    if (this.#last === undefined || (!this.#isAsking && now - this.#last.at >= SHARED_MS)) {
      this.#last = { at: now, asking: this.#ask() }
    }
    const { asking } = this.#last
    return (await within(asking, LIMIT_MS, clock)) ? asking : undefined
  }

  async #ask(): Promise<T | undefined> {
    this.#isAsking = true
    try {
      return await this.#question()
    } catch {
      return undefined
    } finally {
      this.#isAsking = false
    }
  }
}
