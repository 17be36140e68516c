import { AsyncScope } from './async-scope.ts'
import { macrotask } from './event-loop.ts'
import { countWithin } from './weight.ts'

interface WaitingCall<Call, Result> {
  readonly call: Call
  readonly weight: number
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

export interface CallBatcherOptions {
  /** A larger batch would delay the calls in it. Default 1,000. */
  maxCalls?: number
  /** Whether an error may be caused by one call of the batch. Default: never. */
  isCallError?: (error: unknown) => boolean
}

/**
 * Batches calls that are made in one turn of the event loop or during the previous batch, and keeps their order: a commit costs
 * about as much for many as for one. If a batch fails because of one call, its halves are tried, down to that call alone, so
 * that no call fails because of another. Batches run in the AsyncLocalStorage stores in which the batcher was created, not in
 * those of a caller.
 */
export class CallBatcher<Call, Result> {
  readonly #run: (calls: readonly Call[]) => Promise<readonly Result[] | void>
  readonly #maxCalls: number
  readonly #isCallError: (error: unknown) => boolean
  readonly #scope = new AsyncScope()
  #waiting: WaitingCall<Call, Result>[] = []
  #flushing: Promise<void> | undefined

  /** @param run returns a result for each call, in order; nothing if `Result` is void */
  constructor(
    run: (calls: readonly Call[]) => Promise<readonly Result[] | void>,
    { maxCalls = 1_000, isCallError = () => false }: CallBatcherOptions = {},
  ) {
    this.#run = run
    this.#maxCalls = maxCalls
    this.#isCallError = isCallError
  }

  /** @param weight in characters: a batch has at most 8 Mi, or one larger call */
  call(call: Call, weight = 0): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ call, weight, resolve, reject })
      this.#flushing ??= this.#scope.run(() => this.#flush())
    })
  }

  /** Resolves when no call is waiting or under way. */
  async idle(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Collects further calls of the same turn.
      await macrotask()
      const fitting = countWithin(this.#waiting, ({ weight }) => weight)
      await this.#runBatch(this.#waiting.splice(0, Math.min(this.#maxCalls, fitting)))
    }
    this.#flushing = undefined
  }

  async #runBatch(batch: readonly WaitingCall<Call, Result>[]): Promise<void> {
    try {
      const results = await this.#run(batch.map(({ call }) => call))
      for (const [at, { resolve }] of batch.entries()) resolve(results?.[at] as Result)
    } catch (error) {
      if (batch.length === 1 || !this.#isCallError(error)) {
        for (const { reject } of batch) reject(error)
        return
      }
      const half = batch.length >> 1
      await this.#runBatch(batch.slice(0, half))
      await this.#runBatch(batch.slice(half))
    }
  }
}
