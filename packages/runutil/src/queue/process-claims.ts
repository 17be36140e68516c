import { randomInt } from 'node:crypto'
import type { JobStore, PlacedStore } from './job-store.ts'
import { LastChance } from './last-chance.ts'

/** What all workers of a process hold of one store: a process never frees its own claims. */
export class ProcessClaims {
  /** Names this process in its claims. */
  readonly holder = randomInt(2 ** 31 - 1)
  /** Claims of which a job waits here, runs, or has an outcome that isn't recorded. */
  readonly open = new Set<number>()
  readonly lastChance = new LastChance(this.open)
}

const byPlace = new WeakMap<object, ProcessClaims>()

/** Of stores that keep the same jobs, the same. */
export function processClaims(store: JobStore): ProcessClaims {
  const place = placeOf(store)
  const claims = byPlace.get(place) ?? new ProcessClaims()
  byPlace.set(place, claims)
  return claims
}

/** A store that doesn't say is the only one on its jobs. */
export function placeOf(store: JobStore | (JobStore & PlacedStore)): object {
  return 'place' in store ? store.place() : store
}
