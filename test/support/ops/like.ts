import { expect } from 'vitest'

/** A text that matches a pattern, or contains a text. */
export function like(what: RegExp | string): unknown {
  return typeof what === 'string' ? expect.stringContaining(what) : expect.stringMatching(what)
}
