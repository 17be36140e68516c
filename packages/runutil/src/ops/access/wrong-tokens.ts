import type { Clock } from '../../core/clock.ts'

const STEP_MS = 100
const LONGEST_MS = 1_000
const WITHIN_MS = 60_000
const MOST_COUNTED = LONGEST_MS / STEP_MS
/** Of more addresses, those that were wrong longest ago are forgotten. */
const MOST_ADDRESSES = 1_000

/** How long whoever shows a wrong token waits for the answer, so that guessing takes for ever. */
export class WrongTokens {
  readonly #clock: Clock
  /** By address, on the scale of `clock.elapsed()`: its last wrong ones; the address that was wrong last comes last. */
  readonly #times = new Map<string, number[]>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** One more: 100 ms for each of the last minute from that address, at most 1 s. */
  delayMs(address: string | undefined): number {
    const now = this.#clock.elapsed()
    const key = networkOf(address ?? '')
    const recent = (this.#times.get(key) ?? []).filter((time) => now - time < WITHIN_MS)
    const times = [...recent, now].slice(-MOST_COUNTED)
    this.#times.delete(key)
    this.#times.set(key, times)
    if (this.#times.size > MOST_ADDRESSES) this.#times.delete(this.#times.keys().next().value!)
    return times.length * STEP_MS
  }
}

/** Of an IPv6 address the half that a provider assigns: its owner has 2^64 of them. */
function networkOf(address: string): string {
  const isMapped = /^::ffff:\d+\./.test(address)
  if (!address.includes(':') || isMapped) return address
  const [before = '', after = ''] = address.split('::')
  const head = before.split(':').filter((group) => group !== '')
  const tail = after.split(':').filter((group) => group !== '')
  const zeros = address.includes('::')
    ? Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0')
    : []
  return [...head, ...zeros, ...tail].slice(0, 4).join(':')
}
