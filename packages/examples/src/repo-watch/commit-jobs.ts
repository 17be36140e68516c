import { PostgresJobStore } from 'runutil/postgres'
import { type JobInput, JobQueue } from 'runutil/queue'
import type { Commit } from './repository.ts'
import type { WatchDatabase } from './watch-database.ts'

/** Commits read from a history that is new to the database: a large one would take hours. */
const MOST_AT_FIRST = 20

/**
 * The jobs of commits: one reads what a commit changed, one after it counts the lines of the files, and one after both says it in
 * a line. That last one has the id of the commit, so that each is read once, however often it is found.
 */
export class CommitJobs {
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
    await this.queue.enqueue(
      commits.flatMap(({ id }) => jobsOf(id)),
      { onExists: 'skip' },
    )
  }
}

/** The ids of the jobs before the last, by that of their commit. */
export const jobIds = {
  read: (commit: string): string => `read/${commit}`,
  count: (commit: string): string => `count/${commit}`,
}

function jobsOf(commit: string): JobInput[] {
  const read = jobIds.read(commit)
  const count = jobIds.count(commit)
  return [
    { id: read, kind: 'read', payload: { commit } },
    { id: count, kind: 'count', payload: { commit }, after: read },
    { id: commit, kind: 'commit', payload: { commit }, after: [read, count] },
  ]
}
