import type { Cluster } from './cluster.ts'
import type { Outage } from './facts.ts'
import type { Feeder } from './feeder.ts'
import type { Fleet } from './fleet.ts'
import type { Observer } from './observer.ts'
import type { Random } from './random.ts'

/** What disturbances act on. */
export interface Ground {
  readonly cluster: Cluster
  readonly fleet: Fleet
  readonly feeder: Feeder
  readonly observer: Observer
  readonly random: Random
  /** What each disturbance of the database adds to. */
  readonly outages: Outage[]
}

/** How many jobs have ended, those included whose end was rolled back. */
export async function countOfEnds(observer: Observer): Promise<number> {
  const [row] = await observer.ask<{ ended: number }>('select last_value::float8 as ended from audit_ends')
  return row!.ended
}
