import { appendFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate, openDatabase } from 'runutil/postgres'
import { accountOfCrashes } from './account-of-crashes.ts'
import { accountOfEnds } from './account-of-ends.ts'
import { accountOfGraphs } from './account-of-graphs.ts'
import { accountOfLimits } from './account-of-limits.ts'
import { accountOfRuns } from './account-of-runs.ts'
import { accountOfProcesses, accountOfTraces } from './account-of-traces.ts'
import { accountOfUniqueKeys } from './account-of-unique-keys.ts'
import { accountOfVersions } from './account-of-versions.ts'
import { AUDIT, readAudit } from './audit.ts'
import { Cluster } from './cluster.ts'
import { type Disturbance, countsFor } from './disturbances.ts'
import { dump } from './dump.ts'
import type { Facts, Outage, StoredJob } from './facts.ts'
import { Feeder } from './feeder.ts'
import { Fleet } from './fleet.ts'
import { Holds } from './holds.ts'
import { readLedgers } from './ledger.ts'
import { machineMs } from './machine-clock.ts'
import { MachineWatch, PULSE } from './machine-watch.ts'
import { Observer } from './observer.ts'
import type { ChaosOptions } from './options.ts'
import { type Plan, type PlannedJob, planJobs } from './planned-job.ts'
import { Random } from './random.ts'
import { type Finding, isWrong, printReport } from './report.ts'
import { Storm } from './storm.ts'
import { bundleWorker } from './worker-bundle.ts'
import { workerFacts } from './worker-facts.ts'

/**
 * Drains jobs, of which some run after others and some have a unique key, with several processes while these are killed, frozen and stopped, by others and by their own jobs, and
 * while the database is away, refuses, doesn't answer, or fails over to its standby. Then it accounts for each job, each run and each crash.
 *
 * @returns whether all that must hold did
 */
export async function runChaos(options: ChaosOptions): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'runutil-chaos-'))
  const { jobs, kills, workers, seed } = options
  console.log(`seed ${seed}: ${jobs} jobs, ${kills} kills, ${workers} workers; traces in ${folder}`)
  const counts = countsFor(options)
  const cluster = await Cluster.start(counts.failover)
  const controller = new AbortController()
  const late = setTimeout(() => controller.abort(new Error('it took too long')), options.timeoutMs)
  const chaos = new Chaos({ options, counts, cluster, folder, signal: controller.signal })
  try {
    const findings = await chaos.run()
    printReport(findings)
    const well = !findings.some(isWrong)
    console.log(`${well ? 'all is accounted for' : 'NOT all is accounted for'}; seed ${seed}`)
    if (well) await rm(folder, { recursive: true })
    return well
  } catch (error) {
    console.error(`seed ${seed} failed:`, error)
    await dump(chaos.fleet, cluster.urlAside)
    return false
  } finally {
    clearTimeout(late)
    chaos.fleet?.abandon()
    await cluster.stop()
  }
}

interface ChaosProps {
  readonly options: ChaosOptions
  readonly counts: Readonly<Record<Disturbance, number>>
  readonly cluster: Cluster
  readonly folder: string
  readonly signal: AbortSignal
}

class Chaos {
  readonly #props: ChaosProps
  readonly #observer: Observer
  readonly #random: Random
  readonly #planned: ReadonlyMap<string, PlannedJob>
  readonly #plan: Plan
  readonly #outages: Outage[] = []
  readonly #startedAt = machineMs()
  fleet: Fleet | undefined

  constructor(props: ChaosProps) {
    this.#props = props
    this.#observer = new Observer(props.cluster.urlAside, props.signal)
    this.#random = new Random(props.options.seed)
    this.#plan = planJobs(props.options.jobs, props.counts, this.#random)
    const { jobs, blockers } = this.#plan
    this.#planned = new Map([...jobs, ...blockers].map((job) => [job.id, job]))
  }

  async run(): Promise<Finding[]> {
    const { cluster, counts, signal } = this.#props
    const url = cluster.urlAside
    await prepare(url)
    const watch = new MachineWatch(url, (span) => this.#outages.push({ how: 'slow', ...span }))
    const fleet = (this.fleet = await this.#startFleet())
    const feeder = await Feeder.open(url, signal)
    const ground = { cluster, fleet, feeder, observer: this.#observer, random: this.#random }
    const told = { counts, outages: this.#outages, onBeat: (beat: string) => this.#note(beat) }
    await new Storm({ ...ground, ...this.#plan, ...told }).run()
    const stormMs = this.#passed()
    await this.#drained()
    const times = [
      { what: 'ms until the last disturbance', count: stormMs },
      { what: 'ms until all jobs had ended', count: this.#passed() },
    ]
    await fleet.stop()
    await watch.stop()
    const traces = await accountOfTraces(this.#observer, fleet, url)
    const findings = account(await this.#facts(fleet, feeder))
    await Promise.all([feeder.close(), this.#observer.close()])
    return [...disturbances(counts, feeder), ...findings, ...traces, ...times]
  }

  /** Its workers reach the server through the proxy. */
  async #startFleet(): Promise<Fleet> {
    const { cluster, folder, signal, options } = this.#props
    const { url } = cluster
    const program = await bundleWorker(folder)
    const random = this.#random
    const fleet = new Fleet({ url, random, folder, signal, program, size: options.workers })
    process.once('exit', () => fleet.abandon())
    return fleet
  }

  /** For whoever looks at the traces. */
  #note(beat: string): void {
    appendFileSync(join(this.#props.folder, 'course.log'), `${this.#passed()} ms, ${Date.now()}: ${beat}\n`)
  }

  #passed(): number {
    return Math.round(machineMs() - this.#startedAt)
  }

  /** Blocked jobs that wait for nothing but each other would do so for ever. */
  #drained(): Promise<void> {
    return this.#observer.until(async () => {
      const waiting = await this.#observer.ask(`
        select 1 from runutil.jobs as j where status = 'PENDING'
          and not exists (select from runutil.jobs_blocked as b where b.id = j.id and b.failed_by is null)
        union all select 1 from runutil.job_cascades limit 1`)
      return waiting.length === 0
    })
  }

  async #facts(fleet: Fleet, { skipped }: Feeder): Promise<Facts> {
    const stored = await this.#observer.ask<StoredJob>(`
      select id, status, attempts_done as attempts, claim::float8 as claim,
        (result->>'claim')::float8 as returned, last_error as "lastError",
        exists (select from runutil.jobs_blocked as b where b.id = j.id and b.failed_by is null) as blocked
      from runutil.jobs as j`)
    const ledgers = readLedgers(this.#props.folder)
    return {
      planned: new Map([...this.#planned].filter(([id]) => !skipped.has(id))),
      skipped,
      stored: new Map(stored.map((job) => [job.id, job])),
      runs: ledgers.runs,
      audit: await readAudit(this.#observer),
      workers: workerFacts(fleet.all, ledgers, this.#planned),
      outages: this.#outages,
    }
  }
}

function account(facts: Facts): Finding[] {
  const holds = new Holds(facts.audit)
  return [
    ...accountOfEnds(facts, holds),
    ...accountOfRuns(facts, holds),
    ...accountOfCrashes(facts, holds),
    ...accountOfLimits(facts, holds),
    ...accountOfVersions(facts, holds),
    ...accountOfGraphs(facts, holds),
    ...accountOfUniqueKeys(facts, holds),
    ...accountOfProcesses(facts),
  ]
}

function disturbances(counts: Readonly<Record<Disturbance, number>>, { again, found }: Feeder): Finding[] {
  return [
    ...Object.entries(counts).map(([what, count]) => ({ what: `disturbance: ${what}`, count })),
    { what: 'enqueued anew after an outage', count: again },
    { what: 'of which had been stored', count: found },
  ]
}

async function prepare(url: string): Promise<void> {
  const database = await openDatabase(url)
  await migrate(database)
  await database.transaction((tx) => tx.script(AUDIT + PULSE))
  await database.close()
}
