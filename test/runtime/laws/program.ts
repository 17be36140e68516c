import fc from 'fast-check'

const STRATEGIES = ['one_for_one', 'rest_for_one', 'one_for_all'] as const
const TYPES = ['permanent', 'transient', 'temporary'] as const

export type Strategy = (typeof STRATEGIES)[number]
type RestartType = (typeof TYPES)[number]

/** What one run of a worker does. All times are in ms of virtual time. */
export interface Life {
  /** When it reports that it is ready; undefined: never. */
  readyMs: number | undefined
  /** When it ends on its own; undefined: never. */
  livesMs: number | undefined
  throws: boolean
  /** Whether `retryIf` does not retry what it throws. */
  isFatal: boolean
  /** The interval of its heartbeats; undefined: none. */
  signsMs: number | undefined
  /** How long it takes to end after the abort; Infinity: it ignores the abort. */
  stopMs: number
  /** What it rejects with then; undefined: nothing. */
  stopThrows: 'the reason' | 'an error' | undefined
}

interface Limit {
  restarts: number
  /** In addition to the total delay of so many restarts. */
  withinMs: number
}

/** The fields of all entries. */
interface Rules {
  restart: RestartType
  /** Its own retry; undefined: that of its supervisor, or none in the outermost group. */
  retryMs: number | undefined
  limit: Limit | undefined
  hasRetryIf: boolean
  /** The earlier entries of the list that it depends on. */
  after: number[]
  startTimeoutMs: number | undefined
  stopTimeoutMs: number | undefined
  watchdogMs: number | undefined
}

export interface Leaf extends Rules {
  kind: 'worker'
  /** One per start, repeated cyclically. */
  lives: Life[]
}

export interface Repeat extends Rules {
  kind: 'repeat'
  everyMs: number
  jitterMs: number
  startImmediately: boolean
  timeoutMs: number | undefined
  /** One per run, repeated cyclically. */
  jobs: { takesMs: number; throws: boolean; heedsAbort: boolean }[]
}

export interface Group extends Rules {
  kind: 'supervisor'
  strategy: Strategy
  childRetryMs: number
  childLimit: Limit | undefined
  children: Entry[]
}

export type Entry = Leaf | Repeat | Group

const CALLS = ['pause', 'resume', 'trigger', 'stop', 'start', 'restart', 'remove', 'add'] as const

export interface Step {
  waitMs: number
  call: (typeof CALLS)[number] | 'abort' | undefined
  /** The index of the node in the tree at that time, modulo its size. */
  at: number
  /** The entry that `add` adds. */
  entry: Leaf
}

export interface Program {
  entries: Entry[]
  /** Undefined: no limit. */
  graceMs: number | undefined
  steps: Step[]
  seed: number
}

const rarely = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { freq: 2, nil: undefined })
const often = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { freq: 3, nil: undefined })
const seldom = (weight: number): fc.Arbitrary<boolean> =>
  fc.oneof({ weight, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) })
/** Odd numbers, so that few events coincide by accident. Steps are even, so that some do. */
const among = (...values: number[]): fc.Arbitrary<number> => fc.constantFrom(...values)

const life = fc.record<Life>({
  readyMs: fc.oneof({ weight: 5, arbitrary: among(0, 7, 30) }, { weight: 1, arbitrary: among(90, 250) }),
  livesMs: often(among(0, 5, 20, 63, 180, 400)),
  throws: fc.boolean(),
  isFatal: seldom(9),
  signsMs: fc.constantFrom(undefined, 25, 25),
  stopMs: fc.oneof(
    { weight: 6, arbitrary: among(0, 0, 3, 40) },
    { weight: 1, arbitrary: among(150, Infinity) },
  ),
  stopThrows: fc.constantFrom(undefined, undefined, 'the reason', 'an error'),
})

const limit = fc.record<Limit>({
  restarts: fc.integer({ min: 0, max: 3 }),
  withinMs: among(1, 50, 200, 1000),
})

const rules = {
  restart: fc.constantFrom(...TYPES, 'permanent' as const),
  retryMs: often(among(10, 20, 50, 130)),
  limit: rarely(limit),
  hasRetryIf: fc.boolean(),
  after: fc.array(fc.nat(3), { maxLength: 2 }),
  startTimeoutMs: rarely(among(40, 100)),
  stopTimeoutMs: rarely(among(20, 60, 700)),
  watchdogMs: rarely(among(45, 110)),
}

const leaf = fc.record<Leaf>({
  ...rules,
  kind: fc.constant('worker'),
  lives: fc.array(life, { minLength: 1, maxLength: 3 }),
})

const repeated = fc.record<Repeat>({
  ...rules,
  kind: fc.constant('repeat'),
  everyMs: among(40, 75),
  jitterMs: among(0, 0, 15, 35),
  startImmediately: fc.boolean(),
  timeoutMs: rarely(among(15, 60)),
  jobs: fc.array(fc.record({ takesMs: among(0, 10, 50, 200), throws: seldom(4), heedsAbort: fc.boolean() }), {
    minLength: 1,
    maxLength: 3,
  }),
})

const entry = (depth: number): fc.Arbitrary<Entry> => {
  const leaves = [
    { weight: 5, arbitrary: leaf },
    { weight: 2, arbitrary: repeated },
  ]
  if (depth === 0) return fc.oneof(...leaves)
  return fc.oneof(...leaves, { weight: 4, arbitrary: group(depth - 1) })
}

const group = (depth: number): fc.Arbitrary<Group> =>
  fc.record<Group>({
    ...rules,
    kind: fc.constant('supervisor'),
    strategy: fc.constantFrom(...STRATEGIES),
    childRetryMs: among(10, 20, 50, 130),
    childLimit: rarely(limit),
    children: fc.array(entry(depth), { maxLength: 4 }),
  })

const step = fc.record<Step>({
  waitMs: among(0, 2, 10, 20, 50, 100, 300),
  call: fc.oneof(
    { weight: 2, arbitrary: fc.constant(undefined) },
    { weight: 8, arbitrary: fc.constantFrom(...CALLS) },
    { weight: 1, arbitrary: fc.constant('abort' as const) },
  ),
  at: fc.nat(20),
  entry: leaf,
})

export const program = fc.record<Program>({
  // Most entries are in one group that restarts them, so that few programs end immediately.
  entries: fc.oneof(
    { weight: 3, arbitrary: fc.array(group(1), { minLength: 1, maxLength: 2 }) },
    { weight: 1, arbitrary: fc.array(entry(1), { maxLength: 4 }) },
  ),
  graceMs: fc.constantFrom(undefined, 90, 400),
  steps: fc.array(step, { minLength: 1, maxLength: 12 }),
  seed: fc.nat(),
})

/** The options that supervisors have for their workers. */
const LONGEST_RETRY_MS = 130

/** An `intensity` that restarts can reach, since others are rejected. */
export interface Intensity {
  restarts: number
  within: number
}

/** Its own limit; also undefined if it is never restarted. */
export function intensityOf({ restart, retryMs, limit }: Entry, isOutermost: boolean): Intensity | undefined {
  if (limit === undefined || restart === 'temporary') return undefined
  if (retryMs === undefined && isOutermost) return undefined
  return reachable(limit, retryMs ?? LONGEST_RETRY_MS)
}

/** The limit of a supervisor, which counts the restarts of all its workers. */
export function childIntensityOf({ childLimit, childRetryMs, children }: Group): Intensity | undefined {
  const delays = children.map(({ retryMs }) => retryMs ?? 0)
  return childLimit && reachable(childLimit, Math.max(childRetryMs, ...delays))
}

function reachable({ restarts, withinMs }: Limit, delayMs: number): Intensity {
  return { restarts, within: restarts * delayMs + withinMs }
}
