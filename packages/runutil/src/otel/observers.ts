import type { BatchObservableCallback, BatchObservableResult, Observable } from '@opentelemetry/api'
import { AsyncScope } from '../core/async-scope.ts'
import { currentClock } from '../core/context.ts'
import type { RunRecords } from '../core/worker-record.ts'
import { actionCounts } from '../metrics/action-counts.ts'
import { backlogs } from '../metrics/backlog.ts'
import { SharedAnswer } from '../metrics/shared-answer.ts'
import { TellingLease } from '../metrics/telling-lease.ts'
import { UnitCounts } from '../metrics/unit-counts.ts'
import { kindsRunBy, recordsBeneath } from '../metrics/worker-records.ts'
import type { KindStats } from '../queue/kind-stats.ts'
import type { InstrumentOptions } from './instrument-options.ts'
import type { JobAttributes } from './job-attributes.ts'
import type { JobMeters } from './job-meters.ts'
import type { Telemetry } from './telemetry.ts'
import { WorkObservers } from './work-observers.ts'
import type { WorkerNames } from './worker-names.ts'
import { WorkerObservers } from './worker-observers.ts'

export interface ObserversProps {
  readonly telemetry: Telemetry
  readonly options: InstrumentOptions
  readonly records: RunRecords
  readonly attributes: JobAttributes
  readonly names: WorkerNames
  readonly meters: JobMeters
}

/** Reads what the run has recorded and what the stores know, whenever metrics are collected. The unknown isn't told. */
export class Observers {
  readonly #props: ObserversProps
  /** That of the run, whose clock is read. */
  readonly #scope = new AsyncScope()
  readonly #workers: WorkerObservers
  readonly #work: WorkObservers
  readonly #lease: TellingLease | undefined
  readonly #stats: SharedAnswer<readonly KindStats[]> | undefined
  readonly #units: UnitCounts | undefined

  constructor(props: ObserversProps) {
    this.#props = props
    const { telemetry, names, options } = props
    const { queue, coordinate, leases } = options
    this.#workers = new WorkerObservers(telemetry.meter, names)
    this.#work = new WorkObservers(telemetry.meter)
    this.#lease = leases && new TellingLease(leases)
    this.#stats = queue && new SharedAnswer(() => queue.stats())
    this.#units = coordinate && new UnitCounts(coordinate)
  }

  add(): void {
    this.#props.telemetry.meter.addBatchObservableCallback(this.#observe, this.#instruments)
  }

  remove(): void {
    this.#props.telemetry.meter.removeBatchObservableCallback(this.#observe, this.#instruments)
  }

  get #instruments(): Observable[] {
    return [...this.#workers.instruments, ...this.#work.instruments]
  }

  readonly #observe: BatchObservableCallback = (result) => this.#scope.run(() => this.#read(result))

  async #read(result: BatchObservableResult): Promise<void> {
    const { records, meters, options } = this.#props
    const workers = recordsBeneath(records.root)
    const kinds = kindsRunBy(workers)
    for (const kind of kinds) meters.begin(kind)
    this.#workers.observe(result, workers)
    const { dispatch = [] } = options
    this.#work.observeActions(result, actionCounts([dispatch].flat()))
    if (this.#lease !== undefined && !(await this.#lease.isMine())) return
    const [stats, units] = await Promise.all([this.#stats?.ask(), this.#units?.read()])
    if (stats !== undefined) this.#work.observeJobs(result, this.#backlogs(stats, kinds))
    if (units !== undefined) this.#work.observeUnits(result, units)
  }

  #backlogs(stats: readonly KindStats[], kinds: ReadonlySet<string>): ReturnType<typeof backlogs> {
    const { attributes } = this.#props
    return backlogs(stats, kinds, (kind) => attributes.nameOf(kind), currentClock().now())
  }
}
