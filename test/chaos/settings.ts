/** Of each worker of the chaos. Short, so that what a kill leaves behind is soon free. */
export const LEASE_MS = 2_000

/** Of each worker: what a queue worker has by default. */
export const MAX_CRASHES = 3

/** Of the kind LIMITED, over all processes. */
export const LIMITS = { concurrency: 3, keyConcurrency: 1, rate: { limit: 8, per: 250 } } as const

/** The limits of the kind MIXED in each version of the program. Worker n is of version n modulo their number. */
const VERSIONS = [{ concurrency: 2 }, {}, { keyConcurrency: 1 }, {}] as const

export type Version = { readonly concurrency?: number; readonly keyConcurrency?: number }

export function versionOf(worker: string): Version {
  return VERSIONS[numberOf(worker) % VERSIONS.length]!
}

/** How many jobs each worker of a process runs at once, and claims ahead. Some settle and claim one by one, some a few at a time. */
const PACES = [
  { concurrency: 8 },
  { concurrency: 1, prefetch: 0 },
  { concurrency: 8 },
  { concurrency: 4, prefetch: 0 },
] as const

export type Pace = { readonly concurrency: number; readonly prefetch?: number }

export function paceOf(worker: string): Pace {
  return PACES[numberOf(worker) % PACES.length]!
}

function numberOf(worker: string): number {
  return Number(worker.replace('worker-', ''))
}
