/** Runs tasks one at a time, in the order of the calls. Tasks of different keys don't wait for each other. */
export class SerialQueue {
  /** The end of the last task of each key. A key without a pending task has no entry. */
  readonly #tails = new Map<string, Promise<void>>()

  /** @returns what the task resolves or rejects with */
  run<T>(task: () => Promise<T>, key = ''): Promise<T> {
    const tail = this.#tails.get(key)
    const result = tail === undefined ? task() : tail.then(task)
    const end = (): void => {
      if (this.#tails.get(key) === newTail) this.#tails.delete(key)
    }
    const newTail: Promise<void> = result.then(end, end)
    this.#tails.set(key, newTail)
    return result
  }
}
