import type { Clock } from '../../core/clock.ts'

export interface FleetSizeProps {
  readonly clock: Clock
  /** How many workers each of these kinds has, in all processes. */
  readonly ask: (kinds: readonly string[]) => Promise<[kind: string, workers: number][]>
}

/** What was counted is good for so long, and for so long at least. */
const GOOD_FOR_MS = 30_000
const AT_LEAST_MS = 1_000

/** How many workers the kinds of this process have, as was known a while ago. */
export class FleetSize {
  readonly #props: FleetSizeProps
  readonly #workers = new Map<string, number>()
  #countedAt = -Infinity
  #isStale = false

  constructor(props: FleetSizeProps) {
    this.#props = props
  }

  /** 0 of a kind that nothing is known of. */
  of(kind: string): number {
    const ageMs = this.#props.clock.elapsed() - this.#countedAt
    if (ageMs > (this.#isStale ? AT_LEAST_MS : GOOD_FOR_MS)) void this.count([])
    return this.#workers.get(kind) ?? 0
  }

  /** There are others now; they are counted when somebody asks. */
  changed(): void {
    this.#isStale = true
  }

  /** Counts the workers of these kinds, and of all that were counted before. Without an answer all stays as it was. */
  async count(kinds: readonly string[]): Promise<void> {
    const { clock, ask } = this.#props
    for (const kind of kinds) if (!this.#workers.has(kind)) this.#workers.set(kind, 0)
    this.#countedAt = clock.elapsed()
    this.#isStale = false
    const counted = await ask([...this.#workers.keys()]).catch(() => [])
    for (const [kind, workers] of counted) this.#workers.set(kind, workers)
  }
}
