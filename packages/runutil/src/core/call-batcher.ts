import { macrotask } from './clock.ts'

interface Waiting<Call, Result> {
  readonly call: Call
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

export interface CallBatcherOptions {
  /** More than this in one would hold others up. Default 1,000. */
  most?: number
  /** Whether an error is the fault of one call among those that were put together. Default: none is. */
  isOfOne?: (error: unknown) => boolean
}

/**
 * Makes one call of those that come in one turn, or while another is on its way, in their order: a commit costs about as
 * much for many as for one. When one of them can't be, each goes by itself, so that none suffers for another.
 */
export class CallBatcher<Call, Result> {
  readonly #run: (calls: readonly Call[]) => Promise<readonly Result[] | void>
  readonly #most: number
  readonly #isOfOne: (error: unknown) => boolean
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

  call(call: Call): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ call, resolve, reject })
      if (!this.#flushing) void this.#flush()
    })
  }

  async #flush(): Promise<void> {
    this.#flushing = true
    while (this.#waiting.length > 0) {
      // Others of the same turn come along.
      await macrotask()
      await this.#together(this.#waiting.splice(0, this.#most))
    }
    this.#flushing = false
  }

  async #together(batch: readonly Waiting<Call, Result>[]): Promise<void> {
    try {
      const results = await this.#run(batch.map(({ call }) => call))
      for (const [at, { resolve }] of batch.entries()) resolve(results?.[at] as Result)
    } catch (error) {
      if (batch.length > 1 && this.#isOfOne(error)) for (const one of batch) await this.#together([one])
      else for (const { reject } of batch) reject(error)
    }
  }
}
