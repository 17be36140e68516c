/** So many workers have series of their own; the rest is 'other'. */
const MOST_WORKERS = 1_000
const OTHER = 'other'

/** What workers are called in metrics. One that had a series keeps it. */
export class WorkerNames {
  readonly #own = new Set<string>()

  of(path: string): string {
    if (this.#own.has(path)) return path
    if (this.#own.size >= MOST_WORKERS) return OTHER
    this.#own.add(path)
    return path
  }
}
