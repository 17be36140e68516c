import { type DeclarativeWorker, Worker, type WorkerConfigurer, backoff, wait } from 'runutil'
import { CommitReader } from './commit-reader.ts'
import { WATCH_SETTINGS, type WatchSettings } from './watch-settings.ts'

/** Fails once, on purpose, so that a failure and the restart after it can be seen: one interval after all are up. A service has no such worker. */
@Worker({ inject: [WATCH_SETTINGS], after: CommitReader })
export class Drill implements WorkerConfigurer {
  readonly #settings: WatchSettings
  #hasFailed = false

  constructor(settings: WatchSettings) {
    this.#settings = settings
  }

  workers(): DeclarativeWorker[] {
    return [{ name: 'FailOnce', worker: (signal) => this.#failOnce(signal), retry: backoff('1s') }]
  }

  async #failOnce(signal: AbortSignal): Promise<void> {
    await wait(this.#hasFailed ? '365d' : this.#settings.every, signal)
    if (signal.aborted) return
    this.#hasFailed = true
    throw new Error('a drill, to show a restart')
  }
}
