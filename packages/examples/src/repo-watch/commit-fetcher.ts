import {
  type DeclarativeWorker,
  Worker,
  type WorkerConfigurer,
  backoff,
  currentLogger,
  repeat,
} from 'runutil'
import { History, type Look } from './history.ts'
import { sayingRecovery } from './recovery.ts'
import { type Commit, Repository } from './repository.ts'
import { WATCH_SETTINGS, type WatchSettings } from './watch-settings.ts'

/** After a pull, the newest of the new commits are worth a line each; the others are counted. */
const MOST_LINES = 20

/** Reports the commits that appear on any branch or tag. */
@Worker({ inject: [Repository, WATCH_SETTINGS] })
export class CommitFetcher implements WorkerConfigurer {
  readonly #repository: Repository
  readonly #settings: WatchSettings
  readonly #history: History
  #looked = false

  constructor(repository: Repository, settings: WatchSettings) {
    this.#repository = repository
    this.#settings = settings
    this.#history = new History(repository)
  }

  workers(): DeclarativeWorker[] {
    const fetch = sayingRecovery((signal) => this.#fetchCommits(signal))
    return [
      {
        name: 'Commits',
        worker: repeat(this.#settings.every, fetch, { startImmediately: true }),
        retry: backoff({ initial: '1s', max: '1m', jitterProportion: 0.5 }),
      },
    ]
  }

  async #fetchCommits(signal: AbortSignal): Promise<void> {
    const look = await this.#history.look(signal)
    if (this.#looked) this.#report(look.commits)
    else this.#summarise(look)
    this.#looked = true
  }

  #summarise({ commits, cut }: Look): void {
    const newest = commits.at(-1)
    const count = cut ? `more than ${commits.length}, of which the latest were read` : commits.length
    const last = newest === undefined ? '' : `; the last is ${lineOf(newest)}`
    currentLogger().info(`watching ${this.#repository.folder}, commits so far: ${count}${last}`)
  }

  #report(commits: Commit[]): void {
    const counted = commits.length - MOST_LINES
    if (counted > 0) currentLogger().info(`${counted} new commits, and then:`)
    for (const commit of commits.slice(-MOST_LINES)) {
      currentLogger().info({ commit: commit.id }, `new commit ${lineOf(commit)}`)
    }
  }
}

function lineOf({ id, title, author }: Commit): string {
  return `${id.slice(0, 7)} ${title} (${author})`
}
