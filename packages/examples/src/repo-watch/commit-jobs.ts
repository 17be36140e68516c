import { PostgresJobStore } from 'runutil/postgres'
import { ErrJobExists, JobQueue } from 'runutil/queue'
import type { Commit } from './repository.ts'
import type { WatchDatabase } from './watch-database.ts'

/** Commits read from a history that is new to the database: a large one would take hours. */
const MOST_AT_FIRST = 20

/**
 * Commits to be read, each a job whose id is the commit's, so that each is read once, however often it is found.
 */
export class CommitJobs {
  static readonly kind = 'commit'
  readonly queue: JobQueue

  constructor({ database }: WatchDatabase) {
    this.queue = new JobQueue(new PostgresJobStore(database))
  }

  /** For the first look of a run: the commits since the last run or, when there was none, the latest. */
  async newIn(commits: readonly Commit[]): Promise<Commit[]> {
    const jobs = await Promise.all(commits.map(({ id }) => this.queue.get(id)))
    const firstKnown = jobs.findIndex((job) => job !== undefined)
    if (firstKnown === -1) return commits.slice(-MOST_AT_FIRST)
    return commits.filter((_, at) => at > firstKnown && jobs[at] === undefined)
  }

  /** Another copy of the program on the same database may have enqueued some of them already. */
  async enqueue(commits: readonly Commit[]): Promise<void> {
    try {
      await this.queue.enqueue(commits.map(({ id }) => ({ id, kind: CommitJobs.kind })))
    } catch (error) {
      if (!(error instanceof ErrJobExists)) throw error
      const known = new Set(error.ids)
      await this.enqueue(commits.filter(({ id }) => !known.has(id)))
    }
  }
}
