import { type Database, PostgresJobStore, openDatabase } from 'runutil/postgres'
import { ErrJobExists, JobQueue, StoreUnavailableError } from 'runutil/queue'
import { FREE, type PlannedJob } from './planned-job.ts'

const AT_ONCE = 1_000
const BETWEEN_TRIES_MS = 50

/** Enqueues jobs while the database comes and goes, each call until it is known to be stored. */
export class Feeder {
  readonly #database: Database
  readonly #queue: JobQueue
  readonly #signal: AbortSignal
  /** How many calls had to be made again. */
  again = 0
  /** How many of those had been stored although their first answer was lost. */
  found = 0

  static async open(url: string, signal: AbortSignal): Promise<Feeder> {
    return new Feeder(await openDatabase(url, { max: 2, listen: false }), signal)
  }

  private constructor(database: Database, signal: AbortSignal) {
    this.#database = database
    this.#queue = new JobQueue(new PostgresJobStore(database))
    this.#signal = signal
  }

  async enqueue(jobs: readonly PlannedJob[]): Promise<void> {
    // The plain ones together, since the store keeps those in another way.
    for (const some of [jobs.filter(isPlain), jobs.filter((job) => !isPlain(job))]) {
      for (let at = 0; at < some.length; at += AT_ONCE) await this.#enqueue(some.slice(at, at + AT_ONCE))
    }
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  async #enqueue(jobs: readonly PlannedJob[]): Promise<void> {
    for (let outcomeUnknown = false; ;) {
      this.#signal.throwIfAborted()
      try {
        await this.#queue.enqueue(jobs)
        return
      } catch (error) {
        if (error instanceof ErrJobExists) {
          // All or nothing: after a lost answer either none is there or all are.
          if (!outcomeUnknown || error.ids.length !== jobs.length) throw error
          this.found++
          return
        }
        if (error instanceof StoreUnavailableError) outcomeUnknown ||= error.outcomeUnknown
        else if (!isRefusal(error)) throw error
      }
      this.again++
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_TRIES_MS))
    }
  }
}

function isPlain({ kind, key, priority, runAt }: PlannedJob): boolean {
  return kind === FREE && key === undefined && priority === undefined && runAt === undefined
}

/** What the server says to a caller while it refuses: too late, no lock in time, read-only. Nothing is stored then. */
function isRefusal(error: unknown): boolean {
  const { code, cause } = error as { code?: unknown; cause?: unknown }
  if (['57014', '55P03', '25006'].includes(String(code))) return true
  return cause instanceof Error && isRefusal(cause)
}
