/** Less would punish a server for a moment's work of its own. */
const LEAST_MS = 1_000

/** How long a statement may take whose answer is of no use once a lease is over. */
export function leaseLimit(leaseMs: number): number {
  return Math.max(LEAST_MS, leaseMs)
}
