import {
  type DeclarativeWorker,
  Worker,
  type WorkerConfigurer,
  backoff,
  currentLogger,
  repeat,
} from 'runutil'
import { CommitJobs } from './commit-jobs.ts'
import { History, type Look } from './history.ts'
import { sayingRecovery } from './recovery.ts'
import { type Commit, Repository } from './repository.ts'
import { WATCH_SETTINGS, type WatchSettings } from './watch-settings.ts'

/** After a pull, the newest commits get a line each; the others are only counted. */
const MOST_LINES = 20

/** Finds commits that appear on any branch or tag, logs them and enqueues a job for each. */
@Worker({ inject: [Repository, CommitJobs, WATCH_SETTINGS] })
export class CommitFetcher implements WorkerConfigurer {
  readonly #repository: Repository
  readonly #jobs: CommitJobs
  readonly #settings: WatchSettings
  readonly #history: History
  #looked = false
  /** Commits whose jobs could not be stored yet: a look returns each commit only once. */
  #toEnqueue: Commit[] = []
  /** Whether commits that an earlier run has seen are filtered out. */
  #caughtUp = false

  constructor(repository: Repository, jobs: CommitJobs, settings: WatchSettings) {
    this.#repository = repository
    this.#jobs = jobs
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
    this.#toEnqueue.push(...look.commits)
    await this.#enqueue()
  }

  async #enqueue(): Promise<void> {
    if (!this.#caughtUp) {
      this.#toEnqueue = await this.#jobs.newIn(this.#toEnqueue)
      this.#caughtUp = true
      currentLogger().info(`commits to read: ${this.#toEnqueue.length}`)
    }
    await this.#jobs.enqueue(this.#toEnqueue)
    this.#toEnqueue = []
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
