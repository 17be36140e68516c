import { DISTURBANCES, type Disturbance } from './disturbances.ts'
import { type Ground, countOfEnds } from './ground.ts'
import { wholeGraphs } from './planned-graph.ts'
import type { Plan, PlannedJob } from './planned-job.ts'
import { cancel, failOver, limitTime, refuseWrites, restart, silence, terminate } from './to-database.ts'
import { freeze, leaveAlone } from './to-workers.ts'

/** What is done to the database. */
const TO_DATABASE = {
  'fast restart': (ground) => restart(ground, 'fast'),
  crash: (ground) => restart(ground, 'immediate'),
  terminate,
  cancel,
  'statement timeout': (ground) => limitTime(ground, 'statement_timeout'),
  'lock timeout': (ground) => limitTime(ground, 'lock_timeout'),
  'read-only': refuseWrites,
  silence,
  failover: failOver,
} satisfies Partial<Record<Disturbance, (ground: Ground) => Promise<void>>>

/** Those that aren't jobs. */
const ACTS = DISTURBANCES.filter((name) => name !== 'poison' && name !== 'block')

type Act = (typeof ACTS)[number]

export interface StormProps extends Ground, Plan {
  /** Told of each beat, in words. */
  readonly onBeat: (beat: string) => void
  readonly counts: Readonly<Record<Disturbance, number>>
}

/**
 * Feeds the jobs in, and disturbs between: beat by beat, each with a part of the jobs, one disturbance or a few, and
 * the progress that it waits for. So no kill meets a queue that has been drained, however fast the machine is.
 */
export class Storm {
  readonly #props: StormProps
  readonly #blockers: PlannedJob[]
  readonly #afoot: Promise<void>[] = []
  #ofDatabase: Promise<void> = Promise.resolve()
  #freezes: Promise<void> = Promise.resolve()

  constructor(props: StormProps) {
    this.#props = props
    this.#blockers = [...props.blockers]
  }

  async run(): Promise<void> {
    const { feeder, jobs, onBeat } = this.#props
    const beats = this.#beats()
    const atFirst = wholeGraphs(jobs, Math.ceil(jobs.length / 4))
    await feeder.enqueue(jobs.slice(0, atFirst))
    let fed = atFirst
    for (const [at, beat] of beats.entries()) {
      await this.#earlier(beat)
      const share = ((jobs.length - atFirst) * (at + 1)) / beats.length
      const next = wholeGraphs(jobs, Math.max(fed, atFirst + Math.round(share)))
      await this.#progress(jobs.slice(fed, next))
      fed = next
      onBeat(beat.join(', '))
      for (const disturbance of beat) await this.#disturb(disturbance)
    }
    await feeder.enqueue(jobs.slice(fed))
    await Promise.all(this.#afoot)
  }

  /** One disturbance each, or a few at the same time. */
  #beats(): Act[][] {
    const { random, counts } = this.#props
    const beats: Act[][] = []
    for (const name of random.shuffled(ACTS.flatMap((name) => Array<Act>(counts[name]).fill(name)))) {
      const last = beats.at(-1)
      if (last !== undefined && random.chance(0.25)) last.push(name)
      else beats.push([name])
    }
    return beats
  }

  /** So that each meets jobs, and not those that come one after the other a queue that has been drained meanwhile. */
  async #earlier(beat: readonly Act[]): Promise<void> {
    if (beat.some(isOfDatabase)) await this.#ofDatabase
    if (beat.includes('freeze')) await this.#freezes
  }

  /** Hands in jobs, and waits until as many as half of these have ended, of whatever jobs. */
  async #progress(jobs: readonly PlannedJob[]): Promise<void> {
    const { observer, feeder, random } = this.#props
    const before = await countOfEnds(observer)
    const stored = await feeder.enqueue(jobs)
    const enough = before + random.between(0, Math.floor(stored / 2))
    await observer.until(async () => (await countOfEnds(observer)) >= enough)
  }

  async #disturb(act: Act): Promise<void> {
    const { fleet } = this.#props
    if (isOfDatabase(act)) {
      // One after the other, but beside what is done to workers.
      this.#ofDatabase = this.#ofDatabase.then(() => TO_DATABASE[act](this.#props))
      return this.#begin(this.#ofDatabase)
    }
    switch (act) {
      case 'kill':
        return fleet.toRunning((worker) => worker.kill())
      case 'stop':
        return fleet.toRunning((worker) => this.#begin(worker.stop()))
      case 'freeze':
        // One at a time: when all are frozen, nobody is left to take over what they held.
        this.#freezes = this.#freezes.then(() => freeze(this.#props))
        return this.#begin(this.#freezes)
      case 'alone':
        return this.#leaveAlone()
      default:
        return act satisfies never
    }
  }

  /** Only when nothing else is afoot: what it shows must not be explained by that. */
  async #leaveAlone(): Promise<void> {
    await Promise.all(this.#afoot)
    await leaveAlone(this.#props, async () => {
      const blocker = this.#blockers.pop()!
      await this.#props.feeder.enqueue([blocker])
      return blocker
    })
  }

  /** Waited for at the end. One that fails before fails there, and not the process. */
  #begin(disturbance: Promise<void>): void {
    disturbance.catch(() => {})
    this.#afoot.push(disturbance)
  }
}

function isOfDatabase(act: Act): act is keyof typeof TO_DATABASE {
  return act in TO_DATABASE
}
