/** Why a group stops. The first reason counts. */
export class StopReason {
  #given: { readonly reason: unknown } | undefined
  readonly #waiting = new Set<(reason: unknown) => void>()

  get isGiven(): boolean {
    return this.#given !== undefined
  }

  /** @returns false when there is one already */
  give(reason: unknown): boolean {
    if (this.#given !== undefined) return false
    this.#given = { reason }
    for (const reject of this.#waiting) reject(reason)
    return true
  }

  /** Whether it is the abort of this signal. */
  isAbortOf(signal: AbortSignal | undefined): boolean {
    return signal?.aborted === true && this.#given?.reason === signal.reason
  }

  /** @throws the reason */
  throwIfGiven(): void {
    if (this.#given !== undefined) throw this.#given.reason
  }

  /** Settles as the promise does, or rejects with the reason if that comes first. */
  orFirst<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject)
      const settled = (): void => void this.#waiting.delete(reject)
      promise
        .then(resolve, reject)
        .finally(settled)
        .catch(() => {})
    })
  }
}
