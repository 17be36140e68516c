import type { Clock } from '../core/clock.ts'
import { sleep } from '../core/wait.ts'
import { MINUTE_MS } from './job-minutes.ts'
import type { JobStore } from './job-store.ts'
import type { MinuteTally } from './minute-tally.ts'
import { pruneUntilStopped } from './pruner.ts'
import type { ResolvedRetention } from './retention.ts'
import type { RunEnd } from './run-end.ts'
import type { StoreCalls } from './store-calls.ts'
import type { WorkerRules } from './worker-rules.ts'

/** Rules are renewed three times before they would expire. */
const PUBLISH_EVERY_MS = 30_000
/** The most time from the end of a minute until its numbers are added: not all processes do so at once. */
const MOST_LAG_MS = 5_000
const FAIL_DEPENDENTS_EVERY_MS = 10_000

export interface UpkeepProps {
  readonly store: JobStore
  readonly rules: WorkerRules
  readonly minutes: MinuteTally
  readonly retention: ResolvedRetention
  readonly clock: Clock
  readonly calls: StoreCalls
  readonly end: RunEnd
}

/**
 * The periodic work of a worker's run: it renews the rules of its kinds, removes old jobs, ends those that can't run any more and adds to
 * the store's minutes.
 */
export class Upkeep {
  readonly #props: UpkeepProps
  readonly #stopped = new AbortController()
  #running: Promise<unknown> = Promise.resolve()
  #published = false

  constructor(props: UpkeepProps) {
    this.#props = props
  }

  /** Resolves when the store has this worker's rules, so that no claim happens without them. */
  async begin(): Promise<void> {
    await this.#publish()
    const { clock, store, retention, calls, end } = this.#props
    const { signal } = this.#stopped
    const prune = (): Promise<boolean> => calls.ask(() => store.pruneByRules())
    const loops = [
      this.#publishUntilStopped(),
      pruneUntilStopped({ clock, signal, retention, prune }),
      this.#addMinutesUntilStopped(),
      this.#failDependentsUntilStopped(),
    ]
    this.#running = Promise.all(loops.map((loop) => loop.catch(end.fail)))
  }

  stop(): void {
    this.#stopped.abort()
  }

  /** Removes this worker's rules and adds the last minutes; call after its last outcome. If that fails, the rules expire. */
  async finish(): Promise<void> {
    this.stop()
    await this.#running
    const { calls, rules } = this.#props
    const withdrawn = this.#published ? calls.ask(() => rules.withdraw()) : undefined
    await Promise.allSettled([withdrawn, this.#addMinutes(true)])
  }

  async #publishUntilStopped(): Promise<void> {
    const { signal } = this.#stopped
    for (;;) {
      await sleep(this.#props.clock, PUBLISH_EVERY_MS, signal)
      if (signal.aborted) return
      await this.#publish()
    }
  }

  async #addMinutesUntilStopped(): Promise<void> {
    const { clock } = this.#props
    const { signal } = this.#stopped
    const lagMs = clock.random() * MOST_LAG_MS
    for (;;) {
      await sleep(clock, MINUTE_MS - (clock.now() % MINUTE_MS) + lagMs, signal)
      if (signal.aborted) return
      // What the store can't take now, it gets with the next minute.
      await this.#addMinutes().catch(() => {})
    }
  }

  #addMinutes(withCurrent = false): Promise<void> {
    const { calls, minutes, store, clock } = this.#props
    return calls.askOnce(() => minutes.flush(store, clock, withCurrent))
  }

  /** Ends jobs that wait for a failed one, of which a job may have very many. */
  async #failDependentsUntilStopped(): Promise<void> {
    const { clock, store, calls } = this.#props
    const { signal } = this.#stopped
    while (!signal.aborted) {
      const more = await calls.ask(() => store.failDependents())
      await sleep(clock, more ? 0 : FAIL_DEPENDENTS_EVERY_MS, signal)
    }
  }

  async #publish(): Promise<void> {
    const { calls, rules } = this.#props
    await calls.ask(() => rules.publish())
    this.#published = true
  }
}
