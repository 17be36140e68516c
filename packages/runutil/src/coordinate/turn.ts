/** One at a time, in the order in which they came. */
export class Turn {
  #last: Promise<unknown> = Promise.resolve()

  take<T>(body: () => Promise<T>): Promise<T> {
    const result = this.#last.then(body)
    this.#last = result.catch(() => {})
    return result
  }
}
