import { type Clock, elapsedNow } from '../core/clock.ts'
import { KEPT_MINUTES, MINUTE_MS } from './job-minutes.ts'
import type { JobStore } from './job-store.ts'
import type { LeasedJob } from './job.ts'
import { KindTally, type KindTotals } from './kind-tally.ts'
import type { JobSettlement } from './outcome.ts'
import { placeOf } from './process-claims.ts'

/** What attempts of this process came to, by minute and kind, until the store has it. */
export class MinuteTally {
  /** The current minute, since the epoch, and when its middle is on the scale of `clock.elapsed()`. */
  #minute = NaN
  #middleAt = NaN
  #kinds = new Map<string, KindTally>()
  /** Of earlier minutes; also what the store couldn't take. */
  #ended: EndedMinute[] = []
  /** Of all minutes that have ended. */
  readonly #totals = new Map<string, KindTally>()
  /** How far the store's clock is ahead of the time of day. */
  #storeAhead = 0

  readonly storeTime = (aheadMs: number): void => void (this.#storeAhead = aheadMs)

  /** These outcomes are recorded now. Costs a job about 50 ns, and 150 ns alone. */
  settled(batch: readonly JobSettlement[], clock: Clock): void {
    const now = clock.now()
    const ahead = now - elapsedNow(clock)
    this.#begin(now, ahead)
    let tally: KindTally | undefined
    for (const settlement of batch) {
      if (isStopped(settlement)) continue
      if (tally?.kind !== settlement.kind) tally = tallyIn(this.#kinds, settlement.kind)
      tally.add(settlement, ahead + this.#storeAhead)
    }
  }

  /** How long a job waited from its `runAt`. @param startedAt when its handler was called, on the scale of `clock.elapsed()` */
  waitMs({ runAt }: LeasedJob, startedAt: number, clock: Clock): number {
    return Math.max(0, startedAt + clock.now() - elapsedNow(clock) + this.#storeAhead - runAt.getTime())
  }

  /**
   * Adds the minutes that have ended to those of the store.
   *
   * @param withCurrent also what there is of the current minute
   * @throws the store's error; then the next call adds them
   */
  async flush(store: JobStore, clock: Clock, withCurrent = false): Promise<void> {
    const now = clock.now()
    const elapsed = elapsedNow(clock)
    this.#begin(now, now - elapsed)
    if (withCurrent) this.#end(elapsed - (now - this.#minute * MINUTE_MS) / 2)
    const minutes = this.#ended.filter(({ middleAt }) => middleAt > elapsed - KEPT_MINUTES * MINUTE_MS)
    this.#ended = []
    if (minutes.length === 0) return
    // All processes in one order, so that there is no deadlock.
    minutes.sort((a, b) => compare(a.tally.kind, b.tally.kind) || a.middleAt - b.middleAt)
    try {
      await store.addMinutes(minutes.map(({ tally, middleAt }) => tally.row(elapsed - middleAt)))
    } catch (error) {
      this.#ended.push(...minutes)
      throw error
    }
  }

  /** @param ahead how far the time of day is ahead of `clock.elapsed()` */
  #begin(now: number, ahead: number): void {
    const minute = Math.floor(now / MINUTE_MS)
    if (minute === this.#minute) return
    this.#end(this.#middleAt)
    this.#minute = minute
    this.#middleAt = (minute + 0.5) * MINUTE_MS - ahead
  }

  #end(middleAt: number): void {
    for (const tally of this.#kinds.values()) {
      this.#ended.push({ tally, middleAt })
      tallyIn(this.#totals, tally.kind).addAll(tally)
    }
    this.#kinds = new Map()
  }

  /** Since the process began. */
  get totals(): KindTotals[] {
    const sums = new Map<string, KindTally>()
    for (const tally of [...this.#totals.values(), ...this.#kinds.values()])
      tallyIn(sums, tally.kind).addAll(tally)
    return [...sums.values()]
  }
}

function tallyIn(tallies: Map<string, KindTally>, kind: string): KindTally {
  const known = tallies.get(kind)
  if (known !== undefined) return known
  const tally = new KindTally(kind)
  tallies.set(kind, tally)
  return tally
}

interface EndedMinute {
  readonly tally: KindTally
  /** On the scale of `clock.elapsed()`. */
  readonly middleAt: number
}

/** A stop is no failure. */
function isStopped({ outcome }: JobSettlement): boolean {
  return outcome.status === 'PENDING' && outcome.stopped === true
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

const byPlace = new WeakMap<object, MinuteTally>()

/** The same object for all stores of the same jobs: a process adds its minutes once, however many workers it has. */
export function minuteTally(store: JobStore): MinuteTally {
  const place = placeOf(store)
  const tally = byPlace.get(place) ?? new MinuteTally()
  byPlace.set(place, tally)
  return tally
}
