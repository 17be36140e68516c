import { type Database, PostgresJobStore, openDatabase } from 'runutil/postgres'
import { type Enqueued, ErrJobExists, JobQueue, StoreUnavailableError } from 'runutil/queue'
import type { Skipped } from './facts.ts'
import { graphOf, wholeGraphs } from './planned-graph.ts'
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
  /** Jobs that are not stored, by their ids. */
  readonly skipped = new Map<string, Skipped>()

  static async open(url: string, signal: AbortSignal): Promise<Feeder> {
    return new Feeder(await openDatabase(url, { max: 2, listen: false }), signal)
  }

  private constructor(database: Database, signal: AbortSignal) {
    this.#database = database
    this.#queue = new JobQueue(new PostgresJobStore(database))
    this.#signal = signal
  }

  /** @returns how many of them are stored: others had the unique key of the rest */
  async enqueue(jobs: readonly PlannedJob[]): Promise<number> {
    const unique = jobs.filter((job) => job.unique !== undefined)
    const graphs = jobs.filter((job) => graphOf(job) !== undefined)
    const others = jobs.filter((job) => job.unique === undefined && graphOf(job) === undefined)
    // The plain ones together, since the store keeps those in another way.
    for (const some of [others.filter(isPlain), others.filter((job) => !isPlain(job)), graphs]) {
      for (const part of parts(some)) await this.#enqueue(part, 'fail')
    }
    // Two calls at a time, which race for the keys.
    for (const part of parts(unique)) {
      const calls = [0, 1].map((odd) => part.filter((_, n) => n % 2 === odd))
      await Promise.all(calls.map((call) => this.#enqueue(call, 'skip')))
    }
    return jobs.filter(({ id }) => !this.skipped.has(id)).length
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  async #enqueue(jobs: readonly PlannedJob[], onExists: 'fail' | 'skip'): Promise<void> {
    for (let outcomeUnknown = false; ;) {
      this.#signal.throwIfAborted()
      try {
        this.#answered(jobs, await this.#queue.enqueue(jobs, { onExists }), outcomeUnknown)
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

  /** A job that is skipped for itself had been stored by a call whose answer was lost. */
  #answered(jobs: readonly PlannedJob[], enqueued: readonly Enqueued[], outcomeUnknown: boolean): void {
    const stored = enqueued.filter(({ id, outcome }, n) => outcome === 'skipped' && id === jobs[n]!.id)
    if (stored.length > 0 && !outcomeUnknown) throw new Error(`skipped for itself: ${stored[0]!.id}`)
    if (stored.length > 0) this.found++
    for (const [n, job] of jobs.entries()) {
      const { id } = enqueued[n]!
      if (id !== job.id) this.skipped.set(job.id, { job, by: id })
    }
  }
}

/** As many as one call takes, without cutting graphs. */
function* parts(jobs: readonly PlannedJob[]): Generator<readonly PlannedJob[]> {
  for (let rest = jobs; rest.length > 0;) {
    const end = wholeGraphs(rest, AT_ONCE)
    yield rest.slice(0, end)
    rest = rest.slice(end)
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
