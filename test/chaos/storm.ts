import type { PostgresServer } from '../support/postgres/server.ts'
import type { Feeder } from './feeder.ts'
import type { Fleet } from './fleet.ts'
import { LEASE_MS } from './lease.ts'
import { machineMs } from './machine-clock.ts'
import type { Observer } from './observer.ts'
import type { PlannedJob } from './planned-job.ts'
import type { Random } from './random.ts'
import type { Span, WorkerProcess } from './worker-process.ts'

/** To so many kills, how many of the others. */
const PROPORTIONS = {
  kill: 1,
  freeze: 0.15,
  stop: 0.1,
  'fast restart': 0.1,
  crash: 0.1,
  terminate: 0.2,
} as const

export type Disturbance = keyof typeof PROPORTIONS

export interface StormProps {
  readonly server: PostgresServer
  readonly fleet: Fleet
  readonly feeder: Feeder
  readonly observer: Observer
  readonly random: Random
  readonly kills: number
  readonly jobs: readonly PlannedJob[]
}

/**
 * Feeds the jobs in, and disturbs between: beat by beat, each with a part of the jobs, one disturbance or a few, and
 * the progress that it waits for. So no kill meets a queue that has been drained, however fast the machine is.
 */
export class Storm {
  readonly #props: StormProps
  readonly #afoot: Promise<void>[] = []
  #ofDatabase: Promise<void> = Promise.resolve()
  #freezes: Promise<void> = Promise.resolve()
  /** When the database was away, or connections were ended. */
  readonly outages: Span[] = []
  readonly counts: Record<Disturbance, number>

  constructor(props: StormProps) {
    this.#props = props
    const count = (share: number): number => Math.ceil(props.kills * share)
    this.counts = Object.fromEntries(
      Object.entries(PROPORTIONS).map(([name, share]) => [name, count(share)]),
    ) as Record<Disturbance, number>
  }

  async run(): Promise<void> {
    const { feeder, jobs } = this.#props
    const beats = this.#beats()
    const atFirst = Math.ceil(jobs.length / 4)
    await feeder.enqueue(jobs.slice(0, atFirst))
    let fed = atFirst
    for (const [at, beat] of beats.entries()) {
      const next = atFirst + Math.round(((jobs.length - atFirst) * (at + 1)) / beats.length)
      await this.#progress(jobs.slice(fed, next))
      fed = next
      for (const disturbance of beat) await this.#disturb(disturbance)
    }
    await feeder.enqueue(jobs.slice(fed))
    await Promise.all(this.#afoot)
  }

  /** One disturbance each, or a few at the same time. */
  #beats(): Disturbance[][] {
    const { random } = this.#props
    const names = Object.entries(this.counts) as [Disturbance, number][]
    const beats: Disturbance[][] = []
    for (const name of random.shuffled(
      names.flatMap(([name, count]) => Array<Disturbance>(count).fill(name)),
    )) {
      const last = beats.at(-1)
      if (last !== undefined && random.chance(0.25)) last.push(name)
      else beats.push([name])
    }
    return beats
  }

  /** Hands in jobs, and waits until as many as half of these have ended, of whatever jobs. */
  async #progress(jobs: readonly PlannedJob[]): Promise<void> {
    const { observer, feeder, random } = this.#props
    const before = await this.#ended()
    await feeder.enqueue(jobs)
    const enough = before + random.between(0, Math.floor(jobs.length / 2))
    await observer.until(async () => (await this.#ended()) >= enough)
  }

  async #ended(): Promise<number> {
    const [row] = await this.#props.observer.ask<{ ended: number }>(
      'select last_value::float8 as ended from audit_ends',
    )
    return row!.ended
  }

  async #disturb(disturbance: Disturbance): Promise<void> {
    const { server, fleet } = this.#props
    switch (disturbance) {
      case 'kill':
        return fleet.toRunning((worker) => worker.kill())
      case 'stop':
        return fleet.toRunning((worker) => this.#begin(worker.stop()))
      case 'freeze':
        // One at a time: when all are frozen, nobody is left to take over what they held.
        this.#freezes = this.#freezes.then(() => fleet.toRunning((worker) => this.#freeze(worker)))
        return this.#begin(this.#freezes)
      case 'fast restart':
        return this.#disturbDatabase(() => server.restart('fast'))
      case 'crash':
        return this.#disturbDatabase(() => server.restart('immediate'))
      case 'terminate':
        return this.#disturbDatabase(() => server.terminateBackends())
      default:
        return disturbance satisfies never
    }
  }

  /** Waited for at the end. One that fails before fails there, and not the process. */
  #begin(disturbance: Promise<void>): void {
    disturbance.catch(() => {})
    this.#afoot.push(disturbance)
  }

  /** Until its leases are over and others have what it held. */
  async #freeze(worker: WorkerProcess): Promise<void> {
    worker.freeze()
    const from = machineMs()
    await this.#props.observer.until(async () => {
      if (machineMs() < from + LEASE_MS) return false
      const held = await this.#props.observer.ask(
        `select from runutil.job_claims as c join audit as a on a.claim = c.claim and a.type = 'claimed'
         where a.worker = $1 limit 1`,
        [worker.name],
      )
      return held.length === 0
    })
    worker.thaw()
  }

  /** One after the other, but beside what is done to workers. */
  #disturbDatabase(how: () => Promise<unknown>): void {
    this.#ofDatabase = this.#ofDatabase.then(async () => {
      const outage = { from: Date.now(), to: Infinity }
      this.outages.push(outage)
      await how()
      outage.to = Date.now()
    })
    this.#begin(this.#ofDatabase)
  }
}
