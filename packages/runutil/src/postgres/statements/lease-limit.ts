/** A shorter limit would fail on a brief stall of the server. */
const LEAST_MS = 1_000

/** The time limit of a statement whose answer is useless once a lease has expired. */
export function leaseLimit(leaseMs: number): number {
  return Math.max(LEAST_MS, leaseMs)
}
