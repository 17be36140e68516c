import type { Clock } from '../../core/clock.ts'

export interface FleetSizeProps {
  readonly clock: Clock
  /** Queries how many workers each of these kinds has, in all processes. */
  readonly ask: (kinds: readonly string[]) => Promise<[kind: string, workers: number][]>
}

/** How long a count is used, and the minimum time between two counts. */
const MAX_AGE_MS = 30_000
const MIN_INTERVAL_MS = 1_000

/** A recent count of the workers of this process's kinds. */
export class FleetSize {
  readonly #props: FleetSizeProps
  readonly #workers = new Map<string, number>()
  #countedAt = -Infinity
  #isStale = false

  constructor(props: FleetSizeProps) {
    this.#props = props
  }

  /** 0 for a kind that wasn't counted yet. */
  of(kind: string): number {
    const ageMs = this.#props.clock.elapsed() - this.#countedAt
    if (ageMs > (this.#isStale ? MIN_INTERVAL_MS : MAX_AGE_MS)) void this.count([])
    return this.#workers.get(kind) ?? 0
  }

  /** The number of workers has changed; they are counted when it is needed next. */
  changed(): void {
    this.#isStale = true
  }

  /** Counts the workers of these kinds, and of all counted before. Without an answer, the counts stay. */
  async count(kinds: readonly string[]): Promise<void> {
    const { clock, ask } = this.#props
    for (const kind of kinds) if (!this.#workers.has(kind)) this.#workers.set(kind, 0)
    this.#countedAt = clock.elapsed()
    this.#isStale = false
    const counted = await ask([...this.#workers.keys()]).catch(() => [])
    for (const [kind, workers] of counted) this.#workers.set(kind, workers)
  }
}
