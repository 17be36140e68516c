import { vi } from 'vitest'

/** Long enough on a machine that is busy with something else; vitest waits for a second unless told otherwise. */
const LONGEST_MS = 60_000

/** Looks again and again until `look` doesn't throw. @returns what it returned */
export function eventually<T>(look: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(look, { timeout: LONGEST_MS, interval: 20 })
}
