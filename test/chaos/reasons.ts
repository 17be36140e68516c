import type { Facts, WorkerFacts } from './facts.ts'
import type { Hold, Holds } from './holds.ts'
import type { Run } from './ledger.ts'
import { LEASE_MS } from './settings.ts'
import type { Span } from './worker-process.ts'

/** Why a lease may run out, and what it is called. */
export const EXPIRIES = {
  kill: 'of which after a kill',
  poison: 'of which after a job killed its process',
  freeze: 'of which after a freeze past the lease',
  block: 'of which after a handler blocked its process past the lease',
  away: 'of which after a lease ran out while the database was away',
  refusing: 'of which after a lease ran out while the database refused',
  silent: 'of which after a lease ran out while connections were silent',
  slow: 'of which after a lease ran out while the machine was too busy',
} as const

export type Expiry = keyof typeof EXPIRIES

/**
 * What has kept its process from renewing an expired claim, until its lease was over. Undefined when nothing has, or
 * when it was its own process that freed it: that one still has what became of its jobs.
 */
export function expiryOf(hold: Hold, { workers, outages }: Facts): Expiry | undefined {
  if (hold.how !== 'expired' || hold.freedBy === hold.worker) return undefined
  const worker = workers.get(hold.worker)!
  const death = deathOf(worker)
  if (death !== undefined && death.at <= hold.until) return death.how
  const unrenewed: Span = { from: hold.until - LEASE_MS, to: hold.until }
  const isIn = (spans: readonly Span[]): boolean => spans.some((span) => overlap(span, unrenewed))
  if (isIn(worker.frozen)) return 'freeze'
  if (isIn(worker.blocked)) return 'block'
  const hows = outages.filter((span) => overlap(span, unrenewed)).map(({ how }) => how)
  const isSlow = hows.length > 0 || isIn(worker.stalls)
  return hows.find((how) => how !== 'slow') ?? (isSlow ? 'slow' : undefined)
}

/** One that stopped as it was told has left nothing behind. */
function deathOf({ killedWall, diedWall, poisoned }: WorkerFacts): { how: Expiry; at: number } | undefined {
  if (killedWall < Infinity) return { how: 'kill', at: killedWall }
  return poisoned ? { how: 'poison', at: diedWall } : undefined
}

export function holdOf({ id, claim, worker }: Run, holds: Holds): Hold | undefined {
  return holds.of.get(id)?.find((hold) => hold.claim === claim && hold.worker === worker)
}

export function overlap(a: Span, b: Span): boolean {
  return a.from <= b.to && b.from <= a.to
}
