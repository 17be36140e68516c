import type { Context } from '../core/context.ts'
import type { Clock } from '../core/clock.ts'
import { sleep } from '../core/wait.ts'
import type { JobStore } from './job-store.ts'
import type { Kind } from './kind.ts'
import { pruneUntilStopped } from './pruner.ts'
import type { ResolvedRetention } from './retention.ts'
import { WorkerRules } from './worker-rules.ts'

/** A word is renewed three times before it ends. */
const SAY_EVERY_MS = 30_000

export interface UpkeepProps {
  readonly store: JobStore
  readonly kinds: ReadonlyMap<string, Kind>
  readonly retention: ResolvedRetention
  readonly clock: Clock
  readonly context: Context
  /** Tries for as long as the store can't be reached. */
  readonly ask: <T>(call: () => Promise<T>) => Promise<T>
  /** The limits are others than before. */
  readonly onRules: (rules: WorkerRules) => void
  /** The store refuses for good. */
  readonly onFailure: (error: unknown) => void
}

/** What a worker's run does by time, beside its jobs: it says what its kinds are held to, and removes old jobs. */
export class Upkeep {
  readonly #props: UpkeepProps
  readonly #stopped = new AbortController()
  readonly #rules: WorkerRules
  #running: Promise<unknown> = Promise.resolve()
  #said = false

  constructor(props: UpkeepProps) {
    this.#props = props
    const { store, kinds, retention, clock, context } = props
    this.#rules = new WorkerRules({ store, kinds, retention, clock, logger: () => context.logger })
  }

  get rules(): WorkerRules {
    return this.#rules
  }

  /** Resolves when the store has heard what this worker says; then nothing is claimed without it. */
  async begin(): Promise<void> {
    await this.#say()
    const { clock, store, retention, ask, onFailure } = this.#props
    const { signal } = this.#stopped
    const prune = (): Promise<boolean> => ask(() => store.pruneByRules())
    const loops = [this.#sayUntilStopped(), pruneUntilStopped({ clock, signal, retention, prune })]
    this.#running = Promise.all(loops.map((loop) => loop.catch(onFailure)))
  }

  stop(): void {
    this.#stopped.abort()
  }

  /** When its last handler has ended: what it said no longer holds. If that can't be said, its word ends by itself. */
  async finish(): Promise<void> {
    this.stop()
    await this.#running
    if (this.#said) await this.#props.ask(() => this.#rules.withdraw()).catch(() => {})
  }

  async #sayUntilStopped(): Promise<void> {
    const { signal } = this.#stopped
    for (;;) {
      await sleep(this.#props.clock, SAY_EVERY_MS, signal)
      if (signal.aborted) return
      await this.#say()
    }
  }

  async #say(): Promise<void> {
    await this.#props.ask(() => this.#rules.say())
    this.#said = true
    this.#props.onRules(this.#rules)
  }
}
