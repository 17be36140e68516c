import type { JobInput } from 'runutil/queue'
import type { Random } from './random.ts'

/** How its handler ends: what it returns, throws, or throws the first time alone. */
export type Fate = 'return' | 'fail' | 'panic' | 'retry'

export interface Payload {
  readonly takesMs: number
  readonly fate: Fate
  /** Whether it gives up when its signal aborts; else it goes on to its end. */
  readonly heeds: boolean
}

export const FREE = 'free'
export const LIMITED = 'limited'

/** Of the kind LIMITED, over all processes. */
export const LIMITS = { concurrency: 3, keyConcurrency: 1, rate: { limit: 8, per: 250 } } as const

const KEYS = ['ada', 'bob', 'cem', 'dee', 'eve']
const MOST_IN_FUTURE_MS = 2_000

/** What is to become of a job when all goes as it should. */
export const STATUS_OF: Record<Fate, string> = {
  return: 'DONE',
  fail: 'FAILED',
  panic: 'PANIC',
  retry: 'DONE',
}

export interface PlannedJob extends JobInput<Payload> {
  readonly payload: Payload
}

export function planJob(number: number, random: Random): PlannedJob {
  const limited = random.chance(0.06)
  const payload = { takesMs: takesMs(limited, random), fate: fate(random), heeds: random.chance(0.5) }
  return {
    id: `job-${number}`,
    kind: limited ? LIMITED : FREE,
    payload,
    ...(random.chance(0.2) && { priority: random.between(-5, 5) }),
    ...(random.chance(0.1) && { runAt: new Date(Date.now() + random.between(1, MOST_IN_FUTURE_MS)) }),
    ...(limited && { key: random.pick(KEYS) }),
  }
}

/** Most are short; a few outlast their first lease, so that it must be renewed. */
function takesMs(limited: boolean, random: Random): number {
  if (!limited && random.chance(0.004)) return random.between(2_500, 4_000)
  return random.chance(0.1) ? random.between(100, 300) : random.between(0, 20)
}

function fate(random: Random): Fate {
  const at = random.next()
  if (at < 0.01) return 'fail'
  if (at < 0.02) return 'panic'
  return at < 0.03 ? 'retry' : 'return'
}
