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
  return VERSIONS[Number(worker.replace('worker-', '')) % VERSIONS.length]!
}
