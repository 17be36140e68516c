import { macrotask } from './clock.ts'
import { Stores } from './stores.ts'
import { countWithin } from './weight.ts'

interface Waiting<Call, Result> {
  readonly call: Call
  readonly weight: number
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

export interface CallBatcherOptions {
  /** More than this in one would hold others up. Default 1,000. */
  most?: number
  /** Whether an error may be the fault of one call among those that were put together. Default: none is. */
  isOfOne?: (error: unknown) => boolean
}

/**
 * Makes one call of those that come in one turn, or while another is on its way, in their order: a commit costs about as
 * much for many as for one. If a batch fails because of one call, its halves are tried, down to that call alone, so that
 * none fails because of another's. Batches run in the stores in which it was made, not in those of one of the callers.
 */
export class CallBatcher<Call, Result> {
  readonly #run: (calls: readonly Call[]) => Promise<readonly Result[] | void>
  readonly #most: number
  readonly #isOfOne: (error: unknown) => boolean
  readonly #stores = new Stores()
  #waiting: Waiting<Call, Result>[] = []
  #flushing = false

  /** @param run gives a result a call, in their order; nothing when `Result` is void */
  constructor(
    run: (calls: readonly Call[]) => Promise<readonly Result[] | void>,
    { most = 1_000, isOfOne = () => false }: CallBatcherOptions = {},
  ) {
    this.#run = run
    this.#most = most
    this.#isOfOne = isOfOne
  }

  /** @param weight in characters: a batch has 8 Mi of them at most, or one call that has more */
  call(call: Call, weight = 0): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ call, weight, resolve, reject })
      if (!this.#flushing) void this.#stores.run(() => this.#flush())
    })
  }

  async #flush(): Promise<void> {
    this.#flushing = true
    while (this.#waiting.length > 0) {
      // Others of the same turn come along.
      await macrotask()
      const most = Math.min(
        this.#most,
        countWithin(this.#waiting, ({ weight }) => weight),
      )
      await this.#together(this.#waiting.splice(0, most))
    }
    this.#flushing = false
  }

  async #together(batch: readonly Waiting<Call, Result>[]): Promise<void> {
    try {
      const results = await this.#run(batch.map(({ call }) => call))
      for (const [at, { resolve }] of batch.entries()) resolve(results?.[at] as Result)
    } catch (error) {
      if (batch.length === 1 || !this.#isOfOne(error)) {
        for (const { reject } of batch) reject(error)
        return
      }
      const half = batch.length >> 1
      await this.#together(batch.slice(0, half))
      await this.#together(batch.slice(half))
    }
  }
}
