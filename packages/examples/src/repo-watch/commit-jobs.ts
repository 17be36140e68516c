import { type Database, DatabaseInUseError, PostgresJobStore, migrate, openDatabase } from 'runutil/postgres'
import { ErrJobExists, JobQueue } from 'runutil/queue'
import type { Commit } from './repository.ts'
import { StartError } from './start-error.ts'

/** Of a history that nobody has seen before, so many commits are read: a big one would keep us busy for hours. */
const MOST_AT_FIRST = 20
const SHARE = 'keep the jobs on a server: set DATABASE_URL=postgres://user:password@host/database'

/**
 * Commits to be read, each of them a job whose id is the commit's: whoever finds it again, it is read once. In the
 * database of DATABASE_URL, or in the folder `.runutil` where the program was started.
 */
export class CommitJobs {
  static readonly kind = 'commit'
  readonly queue: JobQueue
  readonly #database: Database

  /** @throws StartError */
  static async open(): Promise<CommitJobs> {
    const database = await openDatabase().catch(failed)
    await migrate(database).catch(async (error: unknown) => {
      await database.close()
      failed(error)
    })
    return new CommitJobs(database)
  }

  constructor(database: Database) {
    this.#database = database
    this.queue = new JobQueue(new PostgresJobStore(database))
  }

  /** The container calls it when all workers have ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database.close()
  }

  /** Of a start's first look: the commits that came since the last start or, when there was none, the latest. */
  async newIn(commits: readonly Commit[]): Promise<Commit[]> {
    const jobs = await Promise.all(commits.map(({ id }) => this.queue.get(id)))
    const firstKnown = jobs.findIndex((job) => job !== undefined)
    if (firstKnown === -1) return commits.slice(-MOST_AT_FIRST)
    return commits.filter((_, at) => at > firstKnown && jobs[at] === undefined)
  }

  /** Another copy of the program, on the same database, may have been faster with some of them. */
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

function failed(error: unknown): never {
  const { message } = error as Error
  const mend = error instanceof DatabaseInUseError ? `\nto watch with several copies, ${SHARE}` : ''
  throw new StartError(`${message}${mend}`, { cause: error })
}
