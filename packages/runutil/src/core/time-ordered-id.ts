import { randomUUID } from 'node:crypto'
import { systemClock } from './clock-system.ts'

/** Ids of one millisecond, a field of 12 bits; it begins in its lower half, so that most milliseconds don't use it up. */
const MOST_IN_A_MS = 2 ** 12

let lastMs = 0
let count = 0

/**
 * A UUID of version 7, which begins with the time of day; each is greater than all before it in this process, whatever the
 * clock is set to.
 */
export function timeOrderedId(clock: { now(): number } = systemClock): string {
  const random = randomUUID()
  advance(Math.floor(clock.now()), random)
  const time = lastMs.toString(16).padStart(12, '0')
  const nth = count.toString(16).padStart(3, '0')
  // The rest of a random UUID has the variant of RFC 9562 and 62 random bits.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${nth}-${random.slice(19)}`
}

function advance(now: number, random: string): void {
  if (now > lastMs) {
    lastMs = now
    count = parseInt(random.slice(0, 3), 16) >> 1
  } else if (++count === MOST_IN_A_MS) {
    lastMs++
    count = 0
  }
}
