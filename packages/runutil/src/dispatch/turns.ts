/** Lets what has the same key run one after another, in the order of the calls. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>()

  /** What the call resolves or rejects with. */
  take<T>(key: string, call: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key)
    const result = before === undefined ? call() : before.then(call)
    const over: Promise<void> = result.then(
      () => this.#end(key, over),
      () => this.#end(key, over),
    )
    this.#last.set(key, over)
    return result
  }

  #end(key: string, over: Promise<void>): void {
    if (this.#last.get(key) === over) this.#last.delete(key)
  }
}
