import { ExponentialBackoff } from '../core/backoff.ts'
import type { Clock } from '../core/clock.ts'
import { macrotask } from '../core/event-loop.ts'
import { StoreUnavailableError } from '../core/store-unavailable-error.ts'
import { sleep } from '../core/wait.ts'
import { countWithin } from '../core/weight.ts'
import { within } from '../core/within.ts'
import type { JobStore } from './job-store.ts'
import { type Settlement, refusalOf } from './outcome.ts'
import { TriesAlone } from './tries-alone.ts'

export interface SettlerProps<S extends Settlement> {
  readonly store: JobStore
  readonly clock: Clock
  readonly onSettled: (batch: readonly S[]) => void
  readonly onRetry: (error: unknown, delayMs: number) => void
  /** The store can't record an outcome; the job ends as PANIC instead. */
  readonly onRefused: (settlement: S, error: unknown) => void
  /** The store refuses whatever it is asked for. */
  readonly onFailure: (error: unknown) => void
}

/** So often a batch is tried as it is that the store answers, but not records. */
const TRIES_TOGETHER = 3

const BETWEEN_TRIES = new ExponentialBackoff({ initial: 50, max: 2_000, jitterProportion: 0.5 })

/** What became of a batch that wasn't recorded. */
interface Unsettled {
  /** `refused`: it never will be. `held up`: the store answers, and says again and again that it can't for now. */
  readonly kind: 'refused' | 'held up'
  readonly error: unknown
}

/**
 * Records outcomes in batches: what comes while one batch is on its way makes the next.
 *
 * A store that can't be reached is tried again and again; the fence makes that safe. A batch that is refused, or held up
 * three times, is halved until the one is found that it is because of. One that is refused alone ends its job as PANIC;
 * one that is held up alone is tried on beside the others, and ends as PANIC when that goes on for too long.
 */
export class Settler<S extends Settlement> {
  readonly #props: SettlerProps<S>
  #waiting: S[] = []
  #flushing: Promise<void> | undefined
  #unsettled = 0
  /** How often the store wasn't there, or couldn't, since it last recorded something. */
  #failures = 0
  readonly #alone = new Set<Promise<void>>()
  readonly #finishing = new AbortController()
  #giveUpAt = Infinity

  constructor(props: SettlerProps<S>) {
    this.#props = props
  }

  /** How many outcomes aren't recorded yet, without those that are tried alone: they hold nobody up. */
  get unsettled(): number {
    return this.#unsettled
  }

  add(settlement: S): void {
    this.#unsettled++
    this.#waiting.push(settlement)
    this.#flushing ??= this.#flush().catch(this.#props.onFailure)
  }

  /** Resolves when all is recorded or, after `patienceMs`, given up, whether the store answers or not. */
  async finish(patienceMs: number): Promise<void> {
    const { clock } = this.#props
    this.#giveUpAt = clock.elapsed() + patienceMs
    this.#finishing.abort()
    while (this.#flushing !== undefined || this.#alone.size > 0) {
      const all = Promise.all([this.#flushing, ...this.#alone])
      if (!(await within(all, Math.max(0, this.#giveUpAt - clock.elapsed()), clock))) return
    }
  }

  async #flush(): Promise<void> {
    try {
      // Others that end in the same turn come along.
      await macrotask()
      while (this.#waiting.length > 0) {
        const batch = this.#nextBatch()
        await this.#settle(batch)
      }
    } finally {
      this.#flushing = undefined
    }
  }

  #nextBatch(): S[] {
    const waiting = this.#waiting
    const count = countWithin(waiting, sizeOf)
    this.#waiting = count === waiting.length ? [] : waiting.slice(count)
    return count === waiting.length ? waiting : waiting.slice(0, count)
  }

  async #settle(batch: readonly S[]): Promise<void> {
    const unsettled = await this.#try(batch)
    if (unsettled === undefined) return this.#settled(batch)
    if (batch.length === 1) return this.#settleAlone(batch[0]!, unsettled)
    const half = batch.length >> 1
    await this.#settle(batch.slice(0, half))
    await this.#settle(batch.slice(half))
  }

  #settled(batch: readonly S[]): void {
    this.#unsettled -= batch.length
    this.#props.onSettled(batch)
  }

  /** @returns undefined when it is recorded */
  async #try(batch: readonly S[]): Promise<Unsettled | undefined> {
    for (let answers = 0; ;) {
      const unsettled = await this.#ask(batch)
      if (unsettled === undefined || unsettled.kind === 'refused') return unsettled
      if (wasAnswered(unsettled.error) && ++answers === TRIES_TOGETHER) return unsettled
      await this.#pause(unsettled.error, BETWEEN_TRIES.duration(this.#failures, this.#props.clock))
    }
  }

  /** Asks the store once. @throws StoreUnavailableError when it's time to give up */
  async #ask(batch: readonly Settlement[]): Promise<Unsettled | undefined> {
    const { store, clock } = this.#props
    try {
      await store.settle(batch)
      this.#failures = 0
      return undefined
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) return { kind: 'refused', error }
      this.#failures++
      if (clock.elapsed() >= this.#giveUpAt) throw error
      return { kind: 'held up', error }
    }
  }

  async #pause(error: unknown, delayMs: number, signal?: AbortSignal): Promise<void> {
    this.#props.onRetry(error, delayMs)
    await sleep(this.#props.clock, delayMs, signal)
  }

  /** The others needn't wait for one that is held up. */
  async #settleAlone(settlement: S, { kind, error }: Unsettled): Promise<void> {
    if (kind === 'refused') {
      await this.#refuse(settlement, error)
      return this.#settled([settlement])
    }
    const alone = this.#tryAlone(settlement, error)
      .then(() => this.#props.onSettled([settlement]))
      .catch(this.#props.onFailure)
      .finally(() => this.#alone.delete(alone))
    this.#alone.add(alone)
    this.#unsettled--
    this.#props.onSettled([])
  }

  async #tryAlone(settlement: S, firstError: unknown): Promise<void> {
    const tries = new TriesAlone(this.#props.clock, TRIES_TOGETHER)
    for (let error = firstError; ;) {
      if (tries.isOver) {
        if ((await this.#ask([refusalOf(settlement, error)])) === undefined)
          return this.#props.onRefused(settlement, error)
        // It can't record anything for now, so this one isn't to blame.
        tries.beginAnew()
      }
      await this.#pauseAlone(error, tries.delayMs)
      const unsettled = await this.#ask([settlement])
      if (unsettled === undefined) return
      if (unsettled.kind === 'refused') return this.#refuse(settlement, unsettled.error)
      error = unsettled.error
      if (wasAnswered(error)) tries.failed()
    }
  }

  /** Wakes when it is told to stop: then there is less time. */
  #pauseAlone(error: unknown, delayMs: number): Promise<void> {
    const { signal } = this.#finishing
    if (signal.aborted) return this.#pause(error, BETWEEN_TRIES.maxMs)
    return this.#pause(error, delayMs, signal)
  }

  /** @throws what the store said, when it refuses what any store can hold as well */
  async #refuse(settlement: S, error: unknown): Promise<void> {
    for (;;) {
      const unsettled = await this.#ask([refusalOf(settlement, error)])
      if (unsettled === undefined) return this.#props.onRefused(settlement, error)
      if (unsettled.kind === 'refused') throw error
      await this.#pause(unsettled.error, BETWEEN_TRIES.duration(this.#failures, this.#props.clock))
    }
  }
}

/** Whether it lives, and said itself that it can't. */
function wasAnswered(error: unknown): boolean {
  return error instanceof StoreUnavailableError && error.answered
}

function sizeOf({ outcome }: Settlement): number {
  return (outcome.status === 'DONE' ? outcome.result?.length : outcome.lastError?.length) ?? 0
}
