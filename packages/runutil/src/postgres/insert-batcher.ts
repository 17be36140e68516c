import { macrotask } from '../core/clock.ts'
import type { NewJob } from '../queue/job-store.ts'

/** A call with so many jobs goes by itself. */
const LARGE = 200

interface Call {
  readonly jobs: readonly NewJob[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Makes one statement of the inserts that come while another is on its way: a commit costs about as much for many
 * jobs as for one. When one of them can't be, each goes by itself, so that none suffers for another.
 */
export class InsertBatcher {
  readonly #insert: (jobs: readonly NewJob[]) => Promise<void>
  readonly #isOfOne: (error: unknown) => boolean
  #waiting: Call[] = []
  #flushing = false

  /** @param isOfOne whether an error is the fault of one call among those that were put together */
  constructor(insert: (jobs: readonly NewJob[]) => Promise<void>, isOfOne: (error: unknown) => boolean) {
    this.#insert = insert
    this.#isOfOne = isOfOne
  }

  insert(jobs: readonly NewJob[]): Promise<void> {
    if (jobs.length >= LARGE) return this.#insert(jobs)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ jobs, resolve, reject })
      if (!this.#flushing) void this.#flush()
    })
  }

  async #flush(): Promise<void> {
    this.#flushing = true
    while (this.#waiting.length > 0) {
      // Others of the same turn come along.
      await macrotask()
      const calls = this.#waiting
      this.#waiting = []
      await this.#insertTogether(calls)
    }
    this.#flushing = false
  }

  async #insertTogether(calls: readonly Call[]): Promise<void> {
    try {
      await this.#insert(calls.length === 1 ? calls[0]!.jobs : calls.flatMap(({ jobs }) => jobs))
      for (const { resolve } of calls) resolve()
    } catch (error) {
      if (calls.length > 1 && this.#isOfOne(error))
        await Promise.all(calls.map((call) => this.#insertAlone(call)))
      else for (const { reject } of calls) reject(error)
    }
  }

  #insertAlone({ jobs, resolve, reject }: Call): Promise<void> {
    return this.#insert(jobs).then(resolve, reject)
  }
}
