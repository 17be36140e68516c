import type { Clock } from '../core/clock.ts'
import { sleep } from '../core/wait.ts'
import type { JobStore } from './job-store.ts'
import { pruneUntilStopped } from './pruner.ts'
import type { ResolvedRetention } from './retention.ts'
import type { RunEnd } from './run-end.ts'
import type { StoreCalls } from './store-calls.ts'
import type { WorkerRules } from './worker-rules.ts'

/** Rules are renewed three times before they would expire. */
const PUBLISH_EVERY_MS = 30_000

export interface UpkeepProps {
  readonly store: JobStore
  readonly rules: WorkerRules
  readonly retention: ResolvedRetention
  readonly clock: Clock
  readonly calls: StoreCalls
  readonly end: RunEnd
}

/** The periodic work of a worker's run: it renews the rules of its kinds and removes old jobs. */
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
    const loops = [this.#publishUntilStopped(), pruneUntilStopped({ clock, signal, retention, prune })]
    this.#running = Promise.all(loops.map((loop) => loop.catch(end.fail)))
  }

  stop(): void {
    this.#stopped.abort()
  }

  /** Removes this worker's rules; call after its last handler has ended. If that fails, they expire. */
  async finish(): Promise<void> {
    this.stop()
    await this.#running
    const { calls, rules } = this.#props
    if (this.#published) await calls.ask(() => rules.withdraw()).catch(() => {})
  }

  async #publishUntilStopped(): Promise<void> {
    const { signal } = this.#stopped
    for (;;) {
      await sleep(this.#props.clock, PUBLISH_EVERY_MS, signal)
      if (signal.aborted) return
      await this.#publish()
    }
  }

  async #publish(): Promise<void> {
    const { calls, rules } = this.#props
    await calls.ask(() => rules.publish())
    this.#published = true
  }
}
