import { currentClock } from '../core/context.ts'
import type { WorkerRecord } from '../core/worker-record.ts'
import { actionCounts } from '../metrics/action-counts.ts'
import { LabelNames } from '../metrics/label-names.ts'
import type { MeasuredParts } from '../metrics/measured-parts.ts'
import { SharedAnswer } from '../metrics/shared-answer.ts'
import { TellingLease } from '../metrics/telling-lease.ts'
import { type UnitCount, UnitCounts } from '../metrics/unit-counts.ts'
import { kindsRunBy, recordsBeneath } from '../metrics/worker-records.ts'
import type { JobQueue } from '../queue/job-queue.ts'
import type { KindStats } from '../queue/kind-stats.ts'
import type { KindTotals } from '../queue/kind-tally.ts'
import { type Runtime, recordsOf } from '../runtime/runtime.ts'
import { AttemptMetrics, BacklogMetrics } from './job-metrics.ts'
import { WorkMetrics } from './work-metrics.ts'
import { WorkerMetrics } from './worker-metrics.ts'

/** Reads everything and writes it down, but for what was the same at the last scrape. */
export class Scrapes {
  readonly #parts: MeasuredParts
  readonly #stats: SharedAnswer<readonly KindStats[]> | undefined
  readonly #units: UnitCounts | undefined
  readonly #lease: TellingLease | undefined
  readonly #names = new LabelNames()
  readonly #workers = new WorkerMetrics()
  readonly #attempts = new AttemptMetrics()
  readonly #backlog = new BacklogMetrics()
  readonly #work = new WorkMetrics()
  readonly #families = [this.#workers, this.#attempts, this.#backlog, this.#work].flatMap(
    ({ families }) => families,
  )

  constructor(parts: MeasuredParts) {
    const { queue, coordinate, leases } = parts
    this.#parts = parts
    this.#stats = queue && new SharedAnswer(() => queue.stats())
    this.#units = coordinate && new UnitCounts(coordinate)
    this.#lease = leases && new TellingLease(leases)
  }

  /** How many lines were written rather than kept from the scrape before, in all. */
  get linesWritten(): number {
    return this.#families.reduce((sum, family) => sum + family.linesWritten, 0)
  }

  /** @param runtime the run whose workers to tell of @returns the text, in pieces to be sent one after another */
  async pieces(runtime: Runtime | undefined): Promise<string[]> {
    const shared = await this.#shared()
    // All at once, so that another scrape doesn't come in between.
    this.#set(workersOf(runtime), shared)
    return inPieces(this.#families.flatMap((family) => family.pieces()))
  }

  async #shared(): Promise<Shared> {
    const isAsked = this.#stats !== undefined || this.#units !== undefined
    const tells = isAsked && (this.#lease === undefined || (await this.#lease.isMine()))
    if (!tells) return { stats: undefined, units: undefined }
    const [stats, units] = await Promise.all([this.#stats?.ask(), this.#units?.read()])
    return { stats, units }
  }

  #set(workers: readonly WorkerRecord[], { stats, units }: Shared): void {
    const { queue, dispatch } = this.#parts
    this.#workers.set(workers)
    if (queue !== undefined) this.#setJobs(queue, kindsRunBy(workers), stats)
    this.#work.set(units ?? [], actionCounts(dispatch === undefined ? [] : [dispatch].flat()))
  }

  #setJobs(queue: JobQueue, kinds: ReadonlySet<string>, stats: readonly KindStats[] | undefined): void {
    const totals = withoutGaps(queue.totals(), kinds)
    this.#names.update(new Set([...totals, ...(stats ?? [])].map(({ kind }) => kind)))
    this.#attempts.set(totals, this.#names)
    if (stats !== undefined) this.#backlog.set(stats, kinds, this.#names, currentClock().now())
  }
}

/** What is known beyond this process. */
interface Shared {
  readonly stats: readonly KindStats[] | undefined
  readonly units: readonly UnitCount[] | undefined
}

/** Neighbours that are both shorter are sent as one. */
const MIN_LETTERS = 16_384

function inPieces(texts: readonly string[]): string[] {
  const pieces: string[] = []
  for (const text of texts) {
    const last = pieces.at(-1)
    const isOne = last !== undefined && last.length < MIN_LETTERS && text.length < MIN_LETTERS
    if (isOne) pieces[pieces.length - 1] = last + text
    else pieces.push(text)
  }
  return pieces
}

function workersOf(runtime: Runtime | undefined): WorkerRecord[] {
  const root = runtime === undefined ? undefined : recordsOf(runtime)?.root
  return root === undefined ? [] : recordsBeneath(root)
}

/** A kind that no attempt was made at yet has zeros: a rate needs a first value. */
function withoutGaps(totals: readonly KindTotals[], kinds: ReadonlySet<string>): KindTotals[] {
  const known = new Set(totals.map(({ kind }) => kind))
  const idle = [...kinds].filter((kind) => !known.has(kind))
  const wait = { count: 0, sumMs: 0, counts: { first: 0, counts: [] } }
  return [...totals, ...idle.map((kind) => ({ kind, handle: {}, wait }))]
}
