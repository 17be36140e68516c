import { ExponentialBackoff } from '../core/backoff.ts'
import type { Clock } from '../core/clock.ts'
import { macrotask } from '../core/event-loop.ts'
import { StoreUnavailableError } from '../core/store-unavailable-error.ts'
import { sleep } from '../core/wait.ts'
import { countWithin } from '../core/weight.ts'
import { within } from '../core/within.ts'
import type { JobStore } from './job-store.ts'
import { type Settlement, refusalOf } from './outcome.ts'
import { IndividualRetries } from './individual-retries.ts'

export interface SettlerProps<S extends Settlement> {
  readonly store: JobStore
  readonly clock: Clock
  readonly onSettled: (batch: readonly S[]) => void
  /** Called before `onSettled` with those that changed nothing, since their claims are lost. */
  readonly onLost: (lost: readonly Settlement[]) => void
  readonly onRetry: (error: unknown, delayMs: number) => void
  /** The store can't record an outcome; the job ends as PANIC instead. */
  readonly onRefused: (settlement: S, error: unknown) => void
  /** The store refuses every request. */
  readonly onFailure: (error: unknown) => void
}

/** How often a batch that the store answers with an error is tried before it is split. */
const BATCH_TRIES = 3

const BETWEEN_TRIES = new ExponentialBackoff({ initial: 50, max: 2_000, jitterProportion: 0.5 })

/** Why a batch wasn't recorded. */
interface Unsettled {
  /** `refused`: for good. `held up`: the store keeps failing with errors that may pass. */
  readonly kind: 'refused' | 'held up'
  readonly error: unknown
}

/**
 * Records outcomes in batches: outcomes that arrive while one batch is in flight form the next.
 *
 * A store that can't be reached is retried until it can; the fence makes that safe. A batch that is refused, or held up
 * three times, is halved until the outcome that causes it is found. One that is refused alone ends its job as PANIC; one
 * that is held up alone is retried beside the others, and ends as PANIC when that goes on for too long.
 */
export class Settler<S extends Settlement> {
  readonly #props: SettlerProps<S>
  #waiting: S[] = []
  #flushing: Promise<void> | undefined
  /** A batch of its own is in flight. */
  #isSettling = false
  /** A batch that another call records is in flight. */
  #handedOver: Promise<unknown> | undefined
  #unsettled = 0
  /** Failed calls since the store last recorded something. */
  #failures = 0
  readonly #alone = new Set<Promise<void>>()
  readonly #finishing = new AbortController()
  #giveUpAt = Infinity

  constructor(props: SettlerProps<S>) {
    this.#props = props
  }

  /** How many outcomes aren't recorded yet, without those retried alone, which hold nothing up. */
  get unsettled(): number {
    return this.#unsettled
  }

  add(settlement: S): void {
    this.#unsettled++
    this.#waiting.push(settlement)
    this.#startFlush()
  }

  /**
   * Has another call record what waits, where that is few and no batch is in flight. What the call doesn't record is recorded as if
   * it had not been called.
   *
   * @param most how many outcomes to hand over
   * @param record resolves with those that changed nothing; undefined, as a rejection: nothing was recorded
   */
  async handOver(
    most: number,
    record: (batch: readonly S[]) => Promise<readonly S[] | undefined>,
  ): Promise<void> {
    const batch = this.#waiting
    if (batch.length === 0 || batch.length > most || this.#isSettling) return
    this.#waiting = []
    // Whatever the error is, recording them alone will report it.
    this.#handedOver = record(batch)
      .catch(() => undefined)
      .then((lost) => this.#handedBack(batch, lost))
    await this.#handedOver
    this.#handedOver = undefined
  }

  #handedBack(batch: readonly S[], lost: readonly S[] | undefined): void {
    if (lost === undefined) {
      this.#waiting = [...batch, ...this.#waiting]
      return this.#startFlush()
    }
    if (lost.length > 0) this.#props.onLost(lost)
    this.#failures = 0
    this.#settled(batch)
  }

  #startFlush(): void {
    this.#flushing ??= this.#flush().catch(this.#props.onFailure)
  }

  /** Resolves when all outcomes are recorded or, at the latest, after `patienceMs`, even if the store doesn't answer. */
  async finish(patienceMs: number): Promise<void> {
    const { clock } = this.#props
    this.#giveUpAt = clock.elapsed() + patienceMs
    this.#finishing.abort()
    while (this.#flushing !== undefined || this.#handedOver !== undefined || this.#alone.size > 0) {
      const all = Promise.all([this.#flushing, this.#handedOver, ...this.#alone])
      if (!(await within(all, Math.max(0, this.#giveUpAt - clock.elapsed()), clock))) return
    }
  }

  async #flush(): Promise<void> {
    try {
      // So that all jobs that end in the same turn share a batch.
      await macrotask()
      this.#isSettling = true
      while (this.#waiting.length > 0) {
        const batch = this.#nextBatch()
        await this.#settle(batch)
      }
    } finally {
      this.#isSettling = false
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

  /** @returns undefined when the batch is recorded */
  async #try(batch: readonly S[]): Promise<Unsettled | undefined> {
    for (let answers = 0; ;) {
      const unsettled = await this.#ask(batch)
      if (unsettled === undefined || unsettled.kind === 'refused') return unsettled
      if (wasAnswered(unsettled.error) && ++answers === BATCH_TRIES) return unsettled
      await this.#pause(unsettled.error, BETWEEN_TRIES.duration(this.#failures, this.#props.clock))
    }
  }

  /** Calls the store once. @throws StoreUnavailableError when it's time to give up */
  async #ask(batch: readonly Settlement[]): Promise<Unsettled | undefined> {
    const { store, clock, onLost } = this.#props
    try {
      const lost = await store.settle(batch)
      if (lost.length > 0) onLost(lost)
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

  /** Retries one that is held up without delaying the others. */
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
    const tries = new IndividualRetries(this.#props.clock, BATCH_TRIES)
    for (let error = firstError; ;) {
      if (tries.isOver) {
        if ((await this.#ask([refusalOf(settlement, error)])) === undefined)
          return this.#props.onRefused(settlement, error)
        // The store can't record anything for now, so this outcome isn't the cause.
        tries.reset()
      }
      await this.#pauseAlone(error, tries.delayMs)
      const unsettled = await this.#ask([settlement])
      if (unsettled === undefined) return
      if (unsettled.kind === 'refused') return this.#refuse(settlement, unsettled.error)
      error = unsettled.error
      if (wasAnswered(error)) tries.failed()
    }
  }

  /** Ends early when the worker stops, since there is less time then. */
  #pauseAlone(error: unknown, delayMs: number): Promise<void> {
    const { signal } = this.#finishing
    if (signal.aborted) return this.#pause(error, BETWEEN_TRIES.maxMs)
    return this.#pause(error, delayMs, signal)
  }

  /** @throws the store's error when it refuses even the PANIC outcome, which every store can record */
  async #refuse(settlement: S, error: unknown): Promise<void> {
    for (;;) {
      const unsettled = await this.#ask([refusalOf(settlement, error)])
      if (unsettled === undefined) return this.#props.onRefused(settlement, error)
      if (unsettled.kind === 'refused') throw error
      await this.#pause(unsettled.error, BETWEEN_TRIES.duration(this.#failures, this.#props.clock))
    }
  }
}

/** Whether the store is reachable and reported the error itself. */
function wasAnswered(error: unknown): boolean {
  return error instanceof StoreUnavailableError && error.answered
}

function sizeOf({ outcome }: Settlement): number {
  return (outcome.status === 'DONE' ? outcome.result?.length : outcome.lastError?.length) ?? 0
}
