import type { JobInput } from 'runutil/queue'
import { MOST_STEPS, STEPS_ON_AVERAGE, graphOf, planGraph } from './planned-graph.ts'
import type { Random } from './random.ts'
import { LEASE_MS } from './settings.ts'

/**
 * How its handler ends: what it returns, throws, or throws the first time alone. `block` holds up its process's event
 * loop for longer than the lease, unless that has cost it the lease before. `poison` kills its process, each time.
 */
export type Fate = 'return' | 'fail' | 'panic' | 'retry' | 'block' | 'poison'

export interface Payload {
  readonly takesMs: number
  readonly fate: Fate
  /** Whether it gives up when its signal aborts; else it goes on to its end. */
  readonly heeds: boolean
}

export const FREE = 'free'
export const LIMITED = 'limited'
/** Limited by some versions of the program and not by others. */
export const MIXED = 'mixed'

const KEYS = ['ada', 'bob', 'cem', 'dee', 'eve']
const MOST_IN_FUTURE_MS = 2_000
/** Of the jobs, how many are steps of graphs, and of the others, how many have a unique key. */
const OF_GRAPHS = 0.1
const UNIQUE = 0.1

/** What is to become of a job when all goes as it should. */
export const STATUS_OF: Record<Fate, string> = {
  return: 'DONE',
  fail: 'FAILED',
  panic: 'PANIC',
  retry: 'DONE',
  block: 'DONE',
  poison: 'PANIC',
}

export interface PlannedJob extends JobInput<Payload> {
  readonly id: string
  readonly payload: Payload
  readonly after?: { readonly ids: readonly string[]; readonly on: 'done' | 'end' }
  /** It is skipped while another of its kind has the key. */
  readonly unique?: string
}

export interface Plan {
  /** Those of a graph one behind the other, in any order. */
  readonly jobs: readonly PlannedJob[]
  /** Kept back, each for a time when one process is alone. */
  readonly blockers: readonly PlannedJob[]
}

/** Those that poison or block come early, since what they do takes a few leases. */
export function planJobs(
  count: number,
  counts: Readonly<Record<'poison' | 'block' | 'alone', number>>,
  random: Random,
): Plan {
  const jobs = planLinked(count, random)
  const isAlone = (job: PlannedJob): boolean => graphOf(job) === undefined && job.unique === undefined
  const firstHalf = [...jobs.keys()].slice(0, Math.ceil(count / 2))
  const early = random.shuffled(firstHalf.filter((n) => isAlone(jobs[n]!)))
  for (const n of early.splice(0, counts.poison)) jobs[n] = poison(n, random)
  for (const n of early.splice(0, counts.block)) jobs[n] = blocker(n, random)
  const blockers = Array.from({ length: counts.alone }, (_, n) => blocker(count + n, random))
  return { jobs, blockers: blockers.map((job) => ({ ...job, priority: 10 })) }
}

/** Jobs of which some run after others, and some have a unique key. */
function planLinked(count: number, random: Random): PlannedJob[] {
  const jobs: PlannedJob[] = []
  const graphs = OF_GRAPHS / (STEPS_ON_AVERAGE * (1 - OF_GRAPHS) + OF_GRAPHS)
  for (let graph = 0; jobs.length < count;) {
    const number = jobs.length
    const isRoom = number + MOST_STEPS <= count
    if (isRoom && random.chance(graphs))
      jobs.push(...planGraph(graph++, random, () => planJob(number, random)))
    else if (random.chance(UNIQUE)) jobs.push(planUnique(number, random))
    else jobs.push(planJob(number, random))
  }
  return jobs
}

/** Those planned near each other share some keys; of those far apart, none. */
function planUnique(number: number, random: Random): PlannedJob {
  const job = planJob(number, random)
  const unique = `only-${Math.floor(number / 200) * 4 + random.between(0, 9)}`
  return { ...job, unique, payload: { ...job.payload, takesMs: random.between(20, 300) } }
}

function planJob(number: number, random: Random): PlannedJob {
  const at = random.next()
  const kind = at < 0.06 ? LIMITED : at < 0.12 ? MIXED : FREE
  const payload = { takesMs: takesMs(kind, random), fate: fate(random), heeds: random.chance(0.5) }
  return {
    id: `job-${number}`,
    kind,
    payload,
    ...(random.chance(0.2) && { priority: random.between(-5, 5) }),
    ...(random.chance(0.1) && { runAt: new Date(Date.now() + random.between(1, MOST_IN_FUTURE_MS)) }),
    ...(kind !== FREE && { key: random.pick(KEYS) }),
  }
}

/** Long enough that others run beside it when it kills. */
function poison(number: number, random: Random): PlannedJob {
  return {
    id: `poison-${number}`,
    kind: FREE,
    payload: { takesMs: random.between(20, 120), fate: 'poison', heeds: false },
  }
}

function blocker(number: number, random: Random): PlannedJob {
  const takesMs = random.between(LEASE_MS * 1.2, LEASE_MS * 2)
  return { id: `block-${number}`, kind: FREE, payload: { takesMs, fate: 'block', heeds: false } }
}

/** Most are short; a few outlast their first lease, so that it must be renewed. */
function takesMs(kind: string, random: Random): number {
  if (kind === FREE && random.chance(0.004)) return random.between(2_500, 4_000)
  return random.chance(0.1) ? random.between(100, 300) : random.between(0, 20)
}

function fate(random: Random): Fate {
  const at = random.next()
  if (at < 0.01) return 'fail'
  if (at < 0.02) return 'panic'
  return at < 0.03 ? 'retry' : 'return'
}
