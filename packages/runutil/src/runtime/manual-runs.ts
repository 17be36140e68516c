/** Whoever waits for a run that was asked for. */
interface Waiting {
  resolve(): void
  reject(error: unknown): void
}

/** Runs that an operator asked for, and whether the others are paused. */
export class ManualRuns {
  isPaused = false
  /** For the run that is on, and for the next. */
  #now: Waiting[] = []
  #next: Waiting[] = []

  /** Settles with the next run. */
  ask(): Promise<void> {
    return new Promise((resolve, reject) => this.#next.push({ resolve, reject }))
  }

  get areAsked(): boolean {
    return this.#next.length > 0
  }

  /** Whether the run that is on was asked for. */
  get isOn(): boolean {
    return this.#now.length > 0
  }

  begins(): void {
    this.#now = this.#next
    this.#next = []
  }

  ended(): void {
    for (const caller of this.#now) caller.resolve()
    this.#now = []
  }

  /** No other run comes. */
  failed(error: unknown): void {
    for (const caller of [...this.#now, ...this.#next]) caller.reject(error)
    this.#now = []
    this.#next = []
  }
}
