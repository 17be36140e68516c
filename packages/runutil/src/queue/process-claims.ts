import { randomInt } from 'node:crypto'
import type { JobStore, PlacedStore } from './job-store.ts'
import { LastChance } from './last-chance.ts'

/** The claims that all workers of a process hold in one store: a process never frees its own claims. */
export class ProcessClaims {
  /** Identifies this process in its claims. */
  readonly holder = randomInt(2 ** 31 - 1)
  /** Claims with a job that waits here, runs, or has an unrecorded outcome. */
  readonly open = new Set<number>()
  readonly lastChance = new LastChance(this.open)
}

const byPlace = new WeakMap<object, ProcessClaims>()

/** The same object for all stores of the same jobs. */
export function processClaims(store: JobStore): ProcessClaims {
  const place = placeOf(store)
  const claims = byPlace.get(place) ?? new ProcessClaims()
  byPlace.set(place, claims)
  return claims
}

/** A store without `place` is taken as the only one of its jobs. */
export function placeOf(store: JobStore | (JobStore & PlacedStore)): object {
  return 'place' in store ? store.place() : store
}
