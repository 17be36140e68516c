import { type DeclarativeWorker, StaticBackoff, Worker, type WorkerConfigurer, currentLogger } from 'runutil'
import { type ClaimedJob, QueueWorker } from 'runutil/queue'
import { type Change, changeOf } from './change.ts'
import { CommitJobs } from './commit-jobs.ts'
import { LineCounters } from './line-counters.ts'
import { Repository } from './repository.ts'

/** Where several copies share a server, one may get the job of a commit that its repository does not have yet. */
const RETRIES = { attempts: 10, backoff: new StaticBackoff('1m') }

/**
 * Reads each commit once and counts the lines of its files; the change is the result of the job. It starts when the processes
 * that count are ready, and stops before they do.
 */
@Worker({ inject: [Repository, CommitJobs, LineCounters], after: LineCounters })
export class CommitReader implements WorkerConfigurer {
  readonly #repository: Repository
  readonly #jobs: CommitJobs
  readonly #counters: LineCounters

  constructor(repository: Repository, jobs: CommitJobs, counters: LineCounters) {
    this.#repository = repository
    this.#jobs = jobs
    this.#counters = counters
  }

  workers(): DeclarativeWorker[] {
    // The jobs are short. After a crash, other processes or the next run get them when the lease expires.
    const worker = new QueueWorker(this.#jobs.queue, { lease: '5s', retention: '365d' })
    worker.register(CommitJobs.kind, (job, signal) => this.#read(job, signal), RETRIES)
    return [{ name: 'Jobs', worker }]
  }

  async #read({ id }: ClaimedJob, signal: AbortSignal): Promise<Change> {
    const change = await changeOf(this.#repository, id, this.#counters.count, signal)
    if (change === undefined) throw new Error(`no commit ${id.slice(0, 7)} in this repository`)
    const { author, files, bytes, lines } = change
    const size = `${files} ${files === 1 ? 'file' : 'files'}, ${sizeOf(bytes)}`
    currentLogger().info(
      `${id.slice(0, 7)} by ${author}: ${size}; lines of code ${lines.code}, of comments ${lines.comments}`,
    )
    return change
  }
}

function sizeOf(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}
