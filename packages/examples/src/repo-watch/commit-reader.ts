import {
  type DeclarativeWorker,
  StaticBackoff,
  Worker,
  type WorkerConfigurer,
  backoff,
  currentLogger,
} from 'runutil'
import { type ClaimedJob, QueueWorker } from 'runutil/queue'
import { type Change, type Size, changeOf, sizeOf } from './change.ts'
import { CommitJobs, jobIds } from './commit-jobs.ts'
import { LineCounters } from './line-counters.ts'
import { Repository } from './repository.ts'

/** Where several copies share a server, one may get the job of a commit that its repository does not have yet. */
const UNTIL_FETCHED = { attempts: 10, backoff: new StaticBackoff('1m') }
/** A process that counts may die. */
const A_FEW_TIMES = { attempts: 3, backoff: backoff('1s') }

interface OfCommit {
  readonly commit: string
}

/** The result of the last job of a commit. */
interface Summary extends Size {
  readonly author: string
  /** How many. */
  readonly files: number
}

/**
 * Reads each commit once, counts the lines of its files, and says so. It starts when the processes that count are ready, and stops
 * before they do.
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
    worker.register('read', (job) => this.#read(job), UNTIL_FETCHED)
    worker.register('count', (job, signal) => this.#count(job, signal), A_FEW_TIMES)
    worker.register('commit', summarise)
    return [{ name: 'Jobs', worker }]
  }

  async #read({ payload }: ClaimedJob): Promise<Change> {
    const { commit } = payload as OfCommit
    const change = await changeOf(this.#repository, commit)
    if (change === undefined) throw new Error(`no commit ${commit.slice(0, 7)} in this repository`)
    return change
  }

  async #count({ payload, dependencies }: ClaimedJob, signal: AbortSignal): Promise<Size> {
    const { commit } = payload as OfCommit
    const { files } = (await dependencies())[jobIds.read(commit)] as Change
    return sizeOf(this.#repository, files, this.#counters.count, signal)
  }
}

async function summarise({ payload, dependencies }: ClaimedJob): Promise<Summary> {
  const { commit } = payload as OfCommit
  const results = await dependencies()
  const { author, files } = results[jobIds.read(commit)] as Change
  const { bytes, lines } = results[jobIds.count(commit)] as Size
  const size = `${files.length} ${files.length === 1 ? 'file' : 'files'}, ${bytesText(bytes)}`
  currentLogger().info(
    `${commit.slice(0, 7)} by ${author}: ${size}; lines of code ${lines.code}, of comments ${lines.comments}`,
  )
  return { author, files: files.length, bytes, lines }
}

function bytesText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}
