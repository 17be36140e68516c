/** How long a claimed job should wait for a slot, at most. */
const WAIT_MS = 50
/** How long after its claim a job of a kind with a rate may start; else it is released. */
export const LATEST_START_MS = 4 * WAIT_MS
/** How much the latest job weighs against those before it. */
const WEIGHT = 0.2
/** The assumed duration of a job that made others wait too long. */
const STALLED_MS = 1_000
/** The overhead of a job beside its handler, about; handlers aren't measured that finely. */
const SHORTEST_MS = 0.025

/**
 * How many jobs to claim beyond those that can start at once: as many as will start soon, judged by the durations of the
 * latest jobs; none before the first has ended.
 *
 * So short jobs are claimed in batches; long ones are left to other processes, and a crash affects few jobs that never ran.
 */
export class Prefetch {
  readonly #concurrency: number
  readonly #most: number
  #averageMs: number | undefined

  constructor(concurrency: number, most: number) {
    this.#concurrency = concurrency
    this.#most = most
  }

  /**
   * How many jobs to claim now; 0 while enough wait here, so that not every ended job causes a claim.
   *
   * @param held how many jobs run or wait here
   * @param unsettled how many outcomes aren't recorded yet; a slow store isn't asked for more jobs
   */
  room(held: number, unsettled: number): number {
    const most = this.#concurrency + this.#size
    if (held >= this.#concurrency && held > most / 2) return 0
    return unsettled > 4 * most ? 0 : most - held
  }

  get #size(): number {
    if (this.#averageMs === undefined) return 0
    const startsMs = Math.max(SHORTEST_MS, this.#averageMs) / this.#concurrency
    return Math.min(this.#most, Math.floor(WAIT_MS / startsMs))
  }

  ended(durationMs: number): void {
    const before = this.#averageMs ?? durationMs
    this.#averageMs = before + (durationMs - before) * WEIGHT
  }

  /** Jobs waited too long: the running ones take longer than the earlier ones. */
  stalled(): void {
    this.#averageMs = Math.max(STALLED_MS, this.#averageMs ?? 0)
  }
}
