import type { LimitsInForce } from './limits.ts'
import type { StoredJob } from './stored-job.ts'

/** When jobs of kinds that have a rate were started, for as long as that counts. */
export class MemoryStarts {
  /** By kind; each list in order. */
  readonly #starts = new Map<string, number[]>()

  /** @param at when the job starts at the latest */
  started(kind: string, { rates }: LimitsInForce, now: number, at: number): void {
    if (rates.length === 0) return
    const starts = this.#starts.get(kind) ?? []
    const counts = firstAfter(starts, now - Math.max(...rates.map(({ perMs }) => perMs)))
    // In bulk, since each removal moves all the others.
    if (counts > starts.length / 2) starts.splice(0, counts)
    // Kept in order, though an earlier job may start later.
    starts.push(Math.max(at, starts.at(-1) ?? -Infinity))
    this.#starts.set(kind, starts)
  }

  move(byMs: number): void {
    for (const [kind, starts] of this.#starts) {
      this.#starts.set(
        kind,
        starts.map((at) => at + byMs),
      )
    }
  }

  /** How many more jobs the rates let start. */
  room(kind: string, { rates }: LimitsInForce, now: number): number {
    const starts = this.#starts.get(kind) ?? []
    const rooms = rates.map(({ limit, perMs }) => limit - (starts.length - firstAfter(starts, now - perMs)))
    return Math.min(Infinity, ...rooms)
  }

  /** When the rates let the next job start. */
  opensAt(kind: string, { rates }: LimitsInForce): number {
    const starts = this.#starts.get(kind) ?? []
    return Math.max(-Infinity, ...rates.map(({ limit, perMs }) => (starts.at(-limit) ?? -Infinity) + perMs))
  }
}

/** The index of the first that is later. */
function firstAfter(ordered: readonly number[], time: number): number {
  let low = 0
  let high = ordered.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (ordered[middle]! <= time) low = middle + 1
    else high = middle
  }
  return low
}

/** How many of the places that a limit leaves one claim may take: see ClaimOptions.startable. */
function shareOf(left: number, startable = Infinity): number {
  return Math.max(Math.min(left, startable), Math.floor(left / 2))
}

/** Counts down how many jobs the limits of a kind still allow at one time. */
export class Allowance {
  readonly #keyConcurrency: number
  readonly #runningByKey = new Map<string, number>()
  #left: number

  /**
   * @param running the running jobs of the kind
   * @param room how many more jobs its rates let start
   * @param startable how many jobs can start at once
   */
  constructor(
    limits: LimitsInForce,
    running: readonly StoredJob[],
    room: number,
    startable: number | undefined,
  ) {
    this.#left = shareOf(Math.min(limits.concurrency - running.length, room), startable)
    this.#keyConcurrency = limits.keyConcurrency
    for (const { key } of running) this.#count(key)
  }

  /** Whether there is a place for one more. */
  allows(key: string | undefined): boolean {
    if (this.#left <= 0) return false
    return key === undefined || (this.#runningByKey.get(key) ?? 0) < this.#keyConcurrency
  }

  /** Takes a place. */
  take(key: string | undefined): void {
    this.#count(key)
    this.#left--
  }

  #count(key: string | undefined): void {
    if (key !== undefined) this.#runningByKey.set(key, (this.#runningByKey.get(key) ?? 0) + 1)
  }
}
