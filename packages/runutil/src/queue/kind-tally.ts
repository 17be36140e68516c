import { type HistogramCounts, Histogram } from '../core/histogram.ts'
import { BUCKETS, type KindMinute } from './job-minutes.ts'
import type { JobSettlement, Outcome } from './outcome.ts'

/** What an attempt at a job came to; 'retried': it failed, and is to be tried again. */
export type AttemptOutcome = 'done' | 'failed' | 'panic' | 'retried'

/** Durations, and how many there were. */
export interface DurationTotals {
  /** Also those that have no duration, since their handler was not called. */
  readonly count: number
  readonly sumMs: number
  /** In buckets of which 16 are from one duration to its double; the first is 0.01 ms. */
  readonly counts: HistogramCounts
}

/** What attempts of one process at jobs of one kind came to, since it began. */
export interface KindTotals {
  readonly kind: string
  /** How long handlers took. */
  readonly handle: Readonly<Partial<Record<AttemptOutcome, DurationTotals>>>
  /** How long jobs waited from their `runAt` to the start of their handlers. */
  readonly wait: DurationTotals
}

class Durations implements DurationTotals {
  count = 0
  sumMs = 0
  readonly histogram = new Histogram(BUCKETS)

  get counts(): HistogramCounts {
    return this.histogram.counts
  }

  add(ms: number): void {
    if (ms > 0) this.sumMs += ms
    this.histogram.add(ms)
  }

  addAll({ count, sumMs, counts }: DurationTotals): void {
    this.count += count
    this.sumMs += sumMs
    this.histogram.addCounts(counts)
  }
}

/** Attempts at jobs of one kind. */
export class KindTally implements KindTotals {
  readonly kind: string
  readonly wait = new Durations()
  #done: Durations | undefined
  #failed: Durations | undefined
  #panic: Durations | undefined
  #retried: Durations | undefined

  constructor(kind: string) {
    this.kind = kind
  }

  get handle(): KindTotals['handle'] {
    const handle: Partial<Record<AttemptOutcome, DurationTotals>> = {}
    if (this.#done !== undefined) handle.done = this.#done
    if (this.#failed !== undefined) handle.failed = this.#failed
    if (this.#panic !== undefined) handle.panic = this.#panic
    if (this.#retried !== undefined) handle.retried = this.#retried
    return handle
  }

  /** @param ahead how far the store's clock is ahead of `clock.elapsed()` */
  add({ outcome, startedAt, durationMs, job }: JobSettlement, ahead: number): void {
    const handle = this.#of(outcome.status)
    handle.count++
    if (startedAt === undefined) return
    handle.add(durationMs)
    this.wait.count++
    this.wait.add(startedAt + ahead - job.runAt.getTime())
  }

  addAll({ handle: { done, failed, panic, retried }, wait }: KindTotals): void {
    if (done !== undefined) this.#of('DONE').addAll(done)
    if (failed !== undefined) this.#of('FAILED').addAll(failed)
    if (panic !== undefined) this.#of('PANIC').addAll(panic)
    if (retried !== undefined) this.#of('PENDING').addAll(retried)
    this.wait.addAll(wait)
  }

  #of(status: Outcome['status']): Durations {
    switch (status) {
      case 'DONE':
        return (this.#done ??= new Durations())
      case 'PENDING':
        return (this.#retried ??= new Durations())
      case 'FAILED':
        return (this.#failed ??= new Durations())
      case 'PANIC':
        return (this.#panic ??= new Durations())
      default:
        return status satisfies never
    }
  }

  row(agoMs: number): KindMinute {
    const { done, failed, panic, retried } = this.handle
    const all = new Histogram(BUCKETS)
    for (const { counts } of Object.values(this.handle)) all.addCounts(counts)
    return {
      kind: this.kind,
      agoMs,
      done: done?.count ?? 0,
      failed: (failed?.count ?? 0) + (panic?.count ?? 0),
      retried: retried?.count ?? 0,
      handle: all.counts,
      wait: this.wait.counts,
    }
  }
}
