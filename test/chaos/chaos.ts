import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate, openDatabase } from 'runutil/postgres'
import { PostgresServer } from '../support/postgres/server.ts'
import { accountOfEnds } from './account-of-ends.ts'
import { accountOfLimits } from './account-of-limits.ts'
import { accountOfRuns } from './account-of-runs.ts'
import { accountOfTraces } from './account-of-traces.ts'
import { AUDIT, readAudit } from './audit.ts'
import { dump } from './dump.ts'
import type { Facts, StoredJob } from './facts.ts'
import { Feeder } from './feeder.ts'
import { Fleet } from './fleet.ts'
import { Holds } from './holds.ts'
import { readLedgers } from './ledger.ts'
import { machineMs } from './machine-clock.ts'
import { Observer } from './observer.ts'
import type { ChaosOptions } from './options.ts'
import { type PlannedJob, planJob } from './planned-job.ts'
import { Random } from './random.ts'
import { type Finding, isWrong, printReport } from './report.ts'
import { Storm } from './storm.ts'
import { bundleWorker } from './worker-bundle.ts'

/**
 * Drains jobs with several processes while these are killed, frozen and stopped, and while the database is restarted
 * and its connections are ended. Then it accounts for each job and each run.
 *
 * @returns whether all that must hold did
 */
export async function runChaos(options: ChaosOptions): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'runutil-chaos-'))
  const { jobs, kills, workers, seed } = options
  console.log(`seed ${seed}: ${jobs} jobs, ${kills} kills, ${workers} workers; traces in ${folder}`)
  const server = await PostgresServer.start()
  const controller = new AbortController()
  const late = setTimeout(() => controller.abort(new Error('it took too long')), options.timeoutMs)
  const chaos = new Chaos(options, server, folder, controller.signal)
  try {
    const findings = await chaos.run()
    printReport(findings)
    const well = !findings.some(isWrong)
    console.log(`${well ? 'all is accounted for' : 'NOT all is accounted for'}; seed ${seed}`)
    if (well) await rm(folder, { recursive: true })
    return well
  } catch (error) {
    console.error(`seed ${seed} failed:`, error)
    await dump(chaos.fleet, server.url)
    return false
  } finally {
    clearTimeout(late)
    chaos.fleet?.abandon()
    await server.stop()
  }
}

class Chaos {
  readonly #options: ChaosOptions
  readonly #server: PostgresServer
  readonly #folder: string
  readonly #signal: AbortSignal
  readonly #observer: Observer
  readonly #startedAt = machineMs()
  fleet: Fleet | undefined

  constructor(options: ChaosOptions, server: PostgresServer, folder: string, signal: AbortSignal) {
    this.#options = options
    this.#server = server
    this.#folder = folder
    this.#signal = signal
    this.#observer = new Observer(server.url, signal)
  }

  async run(): Promise<Finding[]> {
    const { url } = this.#server
    await prepare(url)
    const random = new Random(this.#options.seed)
    const planned = Array.from({ length: this.#options.jobs }, (_, n) => planJob(n, random))
    const shared = { url, random, folder: this.#folder, signal: this.#signal }
    const program = await bundleWorker(this.#folder)
    const fleet = (this.fleet = new Fleet({ ...shared, program, size: this.#options.workers }))
    process.once('exit', () => fleet.abandon())
    const feeder = await Feeder.open(url, this.#signal)
    const given = { server: this.#server, observer: this.#observer, kills: this.#options.kills }
    const storm = new Storm({ ...given, random, fleet, feeder, jobs: planned })
    await storm.run()
    const stormMs = this.#passed()
    await this.#drained()
    const times = [
      { what: 'ms until the last disturbance', count: stormMs },
      { what: 'ms until all jobs had ended', count: this.#passed() },
    ]
    await fleet.stop()
    const traces = await accountOfTraces(this.#observer, fleet, url)
    const findings = this.#account(await this.#facts(planned, fleet, storm))
    await Promise.all([feeder.close(), this.#observer.close()])
    return [...disturbances(storm, feeder), ...findings, ...traces, ...times]
  }

  #passed(): number {
    return Math.round(machineMs() - this.#startedAt)
  }

  #drained(): Promise<void> {
    return this.#observer.until(async () => {
      const waiting = await this.#observer.ask(`select from runutil.jobs where status = 'PENDING' limit 1`)
      return waiting.length === 0
    })
  }

  async #facts(planned: readonly PlannedJob[], fleet: Fleet, { outages }: Storm): Promise<Facts> {
    const stored = await this.#observer.ask<StoredJob>(`
      select id, status, attempts_done as attempts, claim::float8 as claim, (result->>'claim')::float8 as returned
      from runutil.jobs`)
    return {
      planned,
      stored: new Map(stored.map((job) => [job.id, job])),
      runs: readLedgers(this.#folder),
      audit: await readAudit(this.#observer),
      workers: new Map(fleet.all.map((worker) => [worker.name, worker])),
      outages,
    }
  }

  #account(facts: Facts): Finding[] {
    const holds = new Holds(facts.audit)
    return [...accountOfEnds(facts, holds), ...accountOfRuns(facts, holds), ...accountOfLimits(facts, holds)]
  }
}

function disturbances({ counts }: Storm, { again, found }: Feeder): Finding[] {
  return [
    ...Object.entries(counts).map(([what, count]) => ({ what: `disturbance: ${what}`, count })),
    { what: 'enqueued anew after an outage', count: again },
    { what: 'of which had been stored', count: found },
  ]
}

async function prepare(url: string): Promise<void> {
  const database = await openDatabase(url)
  await migrate(database)
  await database.transaction((tx) => tx.script(AUDIT))
  await database.close()
}
