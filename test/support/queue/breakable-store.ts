import { type JobStore, type JobStoreFacts, StoreUnavailableError } from 'runutil/queue'

type Method = keyof JobStore

interface Failure {
  times?: number
  error?: Error
  after?: boolean
}

/** A store that fails where and as often as a test says, and tells what it was asked for. */
export class BreakableStore {
  readonly store: JobStore
  /** Each call's arguments, by method. */
  readonly #calls = new Map<Method, unknown[][]>()
  readonly #held = new Map<Method, Promise<void>>()
  /** How many calls are never answered. */
  readonly #silent = new Map<Method, number>()
  readonly #failures = new Map<Method, { error: Error; left: number; after: boolean }>()

  constructor(inner: JobStore) {
    this.store = new Proxy(inner, {
      get: (target: JobStore & JobStoreFacts, method: Method | 'maxJson') =>
        method === 'maxJson'
          ? target.maxJson
          : target[method] && this.#asked(method, target[method].bind(target) as never),
    })
  }

  calls<M extends Method>(method: M): Parameters<Required<JobStore>[M]>[] {
    return (this.#calls.get(method) ?? []) as Parameters<Required<JobStore>[M]>[]
  }

  /** The next calls of a method reject; with `after`, although they took effect. */
  fail(method: Method, { times = Infinity, error = unavailable(), after = false }: Failure = {}): void {
    this.#failures.set(method, { error, left: times, after })
  }

  /** The answers of a method are on their way until the returned function is called. */
  hold(method: Method): () => void {
    let arrive = (): void => {}
    this.#held.set(method, new Promise((resolve) => (arrive = resolve)))
    return () => {
      this.#held.delete(method)
      arrive()
    }
  }

  /** The next calls of a method are never answered. */
  silence(method: Method, times = Infinity): void {
    this.#silent.set(method, times)
  }

  mend(): void {
    this.#silent.clear()
    this.#failures.clear()
  }

  #asked(method: Method, call: (...args: unknown[]) => Promise<unknown>) {
    return async (...args: unknown[]): Promise<unknown> => {
      this.#calls.set(method, [...(this.#calls.get(method) ?? []), args])
      const silent = this.#silent.get(method) ?? 0
      this.#silent.set(method, silent - 1)
      if (silent > 0) return new Promise(() => {})
      const failure = this.#failures.get(method)
      const fails = failure !== undefined && failure.left-- > 0
      const answer = fails && !failure.after ? undefined : await call(...args)
      await this.#held.get(method)
      if (fails) throw failure.error
      return answer
    }
  }
}

function unavailable(): StoreUnavailableError {
  return new StoreUnavailableError('the store is away', { outcomeUnknown: false })
}
