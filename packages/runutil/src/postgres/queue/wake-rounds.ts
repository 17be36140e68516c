import type { Clock, Timer } from '../../core/clock.ts'
import type { ReadyListeners } from '../../queue/ready-listeners.ts'
import type { FleetSize } from './fleet-size.ts'
import { type JobCount, sumCounts } from './notice.ts'

export interface WakeRoundsProps {
  readonly clock: Clock
  readonly listeners: ReadyListeners
  readonly fleet: FleetSize
}

/** Jobs of a kind that haven't been reported as claimed. */
interface Open {
  jobs: number
  /** The factor on each worker's initial chance to be woken; Infinity: all were woken. */
  times: number
  readonly timer: Timer
}

/** How many workers to wake per job: each wakes by chance, and some are busy. */
const EXTRA_WORKERS = 2
/** The time between rounds, at least; at most twice that. */
const ROUND_MS = 50
const GROWTH = 4
/** How long a report of claimed jobs is counted against announced ones. */
const REMEMBERED_MS = 1_000

/**
 * Which workers of a fleet wake for jobs. Each process is notified of all jobs, and knows how many workers there are:
 *
 * - at once about as many workers wake as there are jobs, each by chance;
 * - they report the jobs that they claim. While reports are missing, since workers are busy or gone, four times as many
 *   wake, and so on, until after a few tenths of a second all have.
 */
export class WakeRounds {
  readonly #props: WakeRoundsProps
  readonly #open = new Map<string, Open>()
  /** How many workers were woken that haven't claimed since, where other processes wait for a report. */
  readonly #searching = new Map<string, number>()

  constructor(props: WakeRoundsProps) {
    this.#props = props
  }

  /** @param count how many more jobs there are; negative: how many were claimed */
  add(kind: string, count: number): void {
    const open = this.#open.get(kind)
    if (open !== undefined) open.jobs += count
    if (open !== undefined && open.jobs <= 0) this.#end(kind)
    else if (count > 0) this.#begin(kind, count, open)
  }

  /** Reports the result of a claim. @returns the counts to notify other processes of */
  claimed(kinds: readonly string[], jobs: readonly { readonly kind: string }[]): JobCount[] {
    if (this.#searching.size === 0) return []
    const searched = kinds.filter((kind) => this.#searching.has(kind))
    for (const kind of searched) {
      const left = this.#searching.get(kind)! - 1
      if (left > 0) this.#searching.set(kind, left)
      else this.#searching.delete(kind)
    }
    const taken = jobs.filter(({ kind }) => searched.includes(kind))
    return sumCounts(taken.map(({ kind }) => ({ kind, count: -1, inMs: 0 })))
  }

  stop(): void {
    for (const kind of this.#open.keys()) this.#end(kind)
    this.#searching.clear()
  }

  #begin(kind: string, count: number, open: Open | undefined): void {
    const { listeners, fleet } = this.#props
    const here = listeners.count(kind)
    if (here === 0) return
    // Without workers elsewhere, the waiting ones are known.
    if (fleet.of(kind) <= here) return void listeners.wake(kind, count)
    const times = this.#wake(kind, count, 1)
    // Later rounds already cover all jobs notified of before.
    if (times === Infinity || (open !== undefined && open.times < Infinity)) return
    this.#end(kind)
    this.#plan(kind, open?.jobs ?? count, times)
  }

  #plan(kind: string, jobs: number, times: number): void {
    const { clock } = this.#props
    const ms = times === Infinity ? REMEMBERED_MS : ROUND_MS * (1 + clock.random())
    this.#open.set(kind, { jobs, times, timer: clock.setTimeout(() => this.#next(kind), ms) })
  }

  #next(kind: string): void {
    const { jobs, times } = this.#open.get(kind)!
    this.#end(kind)
    if (times < Infinity) this.#plan(kind, jobs, this.#wake(kind, jobs, GROWTH * times))
  }

  #end(kind: string): void {
    this.#open.get(kind)?.timer.clear()
    this.#open.delete(kind)
  }

  /** @returns `times`, or Infinity when all were woken */
  #wake(kind: string, jobs: number, times: number): number {
    const { clock, listeners, fleet } = this.#props
    const share = (times * (jobs + EXTRA_WORKERS)) / fleet.of(kind)
    const some = share * listeners.count(kind)
    const woken = share >= 1 ? listeners.wake(kind, Infinity) : listeners.wake(kind, atRandom(some, clock))
    if (share >= 1) return Infinity
    if (woken > 0) this.#searching.set(kind, woken + (this.#searching.get(kind) ?? 0))
    return times
  }
}

/** A whole number that is `mean` on average. */
function atRandom(mean: number, clock: Clock): number {
  return Math.floor(mean) + (clock.random() < mean % 1 ? 1 : 0)
}
