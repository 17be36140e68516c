import { currentClock } from '../core/context.ts'
import { unexpected } from '../core/errors.ts'
import { has } from '../core/has.ts'
import { checkOptions } from '../core/options.ts'
import type { WorkerRecord } from '../core/worker-record.ts'
import type { LeaseStore } from '../leases/lease-store.ts'
import type { JobQueue } from '../queue/job-queue.ts'
import type { KindTotals } from '../queue/kind-tally.ts'
import { type Runtime, currentRuntime, recordsOf } from '../runtime/runtime.ts'
import { attemptMetrics, backlogMetrics } from './job-metrics.ts'
import { KindNames } from './kind-names.ts'
import type { MetricFamily } from './metric-family.ts'
import { SharedStats } from './shared-stats.ts'
import { TellingLease } from './telling-lease.ts'
import { detailOf, recordsBeneath, workerMetrics } from './worker-metrics.ts'

export interface ExpositionOptions {
  /** The run whose workers to tell of. Default: the run that the scrape comes to. */
  runtime?: Runtime | undefined
  /** The queue whose jobs to tell of. */
  queue?: JobQueue | undefined
  /** Where the processes agree on the one that tells what they all know of the queue. Default: each of them tells. */
  leases?: LeaseStore | undefined
  /** A registry of prom-client, whose metrics follow. */
  registry?: MetricRegistry | undefined
}

/** As that of prom-client. */
export interface MetricRegistry {
  readonly contentType: string
  metrics(): Promise<string>
}

/**
 * Tells Prometheus what goes on in this process: workers, runs, attempts at jobs and, if it is the one to tell, the backlog of the
 * queue. Counts nothing itself: at a scrape it reads what the run has recorded, and asks the queue for its `stats()`.
 *
 * What is unknown is left out: while the store doesn't answer within 2 s, the backlog.
 *
 * @returns what `/metrics` answers, in the text format
 * @throws InvalidArgumentError
 *
 * @example
 * const ops = new OpsServer({ queue, metrics: exposition({ queue }) })
 */
export function exposition(options: ExpositionOptions = {}): () => Promise<string> {
  const { runtime, queue, leases, registry } = checked(options)
  const stats = queue && new SharedStats(queue)
  const lease = leases && new TellingLease(leases)
  const names = new KindNames()
  return async () => {
    const workers = workersOf(runtime ?? currentRuntime())
    const families = workerMetrics(workers)
    if (queue !== undefined) {
      const backlog = lease === undefined || (await lease.isMine()) ? await stats!.ask() : undefined
      const kinds = kindsRunBy(workers)
      const totals = withoutGaps(queue.totals(), kinds)
      names.update(new Set([...totals, ...(backlog ?? [])].map(({ kind }) => kind)))
      families.push(...attemptMetrics(totals, names))
      if (backlog !== undefined) families.push(...backlogMetrics(backlog, kinds, names, currentClock().now()))
    }
    return `${textOf(families)}${(await registry?.metrics()) ?? ''}`
  }
}

function workersOf(runtime: Runtime | undefined): WorkerRecord[] {
  const root = runtime === undefined ? undefined : recordsOf(runtime)?.root
  return root === undefined ? [] : recordsBeneath(root)
}

function kindsRunBy(workers: readonly WorkerRecord[]): Set<string> {
  const queues = workers.filter(({ kind }) => kind === 'queue')
  return new Set(queues.flatMap((record) => (detailOf(record)['kinds'] ?? []) as readonly string[]))
}

/** A kind that no attempt was made at yet has zeros: a rate needs a first value. */
function withoutGaps(totals: readonly KindTotals[], kinds: ReadonlySet<string>): KindTotals[] {
  const known = new Set(totals.map(({ kind }) => kind))
  const idle = [...kinds].filter((kind) => !known.has(kind))
  const wait = { count: 0, sumMs: 0, counts: { first: 0, counts: [] } }
  return [...totals, ...idle.map((kind) => ({ kind, handle: {}, wait }))]
}

function textOf(families: readonly MetricFamily[]): string {
  return families.map(({ text }) => text).join('')
}

function checked(options: ExpositionOptions): ExpositionOptions {
  const what = 'exposition'
  const given = checkOptions(what, options, ['runtime', 'queue', 'leases', 'registry'])
  const { runtime, queue, leases, registry } = given
  if (runtime !== undefined && !has(runtime, 'tree'))
    throw unexpected(`${what}: runtime`, 'a Runtime', runtime)
  if (queue !== undefined && !has(queue, 'totals')) throw unexpected(`${what}: queue`, 'a JobQueue', queue)
  if (leases !== undefined && !has(leases, 'acquire'))
    throw unexpected(`${what}: leases`, 'a LeaseStore', leases)
  if (registry === undefined) return given
  if (!has(registry, 'metrics')) throw unexpected(`${what}: registry`, 'a Registry of prom-client', registry)
  const { contentType } = registry
  if (contentType.startsWith('text/plain')) return given
  throw unexpected(
    `${what}: registry`,
    'one in the text format',
    contentType,
    '; leave its content type as it is',
  )
}
