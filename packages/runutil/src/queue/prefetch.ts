/** As long as a claimed job should wait for its turn. */
const WAIT_MS = 50
/** How much the latest job weighs against those before it. */
const WEIGHT = 0.2
/** How long a job is taken to last that let others wait too long. */
const STALLED_MS = 1_000
/** What a job takes beside its handler, about; handlers aren't measured that finely. */
const SHORTEST_MS = 0.025

/**
 * How many jobs to claim beyond those that can start at once: as many as will start within a moment, going by how long
 * the last ones took; none before the first has ended.
 *
 * So short jobs come in batches; long ones are left to other processes, and a crash takes few along that never ran.
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
   * How many jobs to claim now, 0 for none: not for each that ends, while more wait here.
   *
   * @param held how many run or wait here
   * @param unsettled how many outcomes the store hasn't taken yet; one that is slow is asked for no more
   * @param limited whether kinds have limits, which count jobs that wait here: of these, none beyond those that can start
   */
  room(held: number, unsettled: number, limited: boolean): number {
    const most = this.#concurrency + (limited ? 0 : this.#size)
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

  /** Jobs waited too long: those that run now take longer than the ones before. */
  stalled(): void {
    this.#averageMs = Math.max(STALLED_MS, this.#averageMs ?? 0)
  }
}
