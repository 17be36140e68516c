import fc from 'fast-check'
import {
  type Attempt,
  type CoordinateStore,
  type Namespace,
  type WorkSpec,
  createCoordinate,
} from 'runutil/coordinate'
import { VirtualClock } from 'runutil/testing'

const SPECS = ['one', 'two', 'three'] as const
const NAMES = ['a', 'b', 'c', 'd', 'e'] as const
const STATUSES = ['available', 'pending', 'finished', 'failed', 'delayed'] as const

/** One namespace in one store, and what has been leased in it. */
export class Side {
  readonly clock = new VirtualClock()
  readonly namespace: Namespace
  readonly attempts: Attempt[] = []

  static async open(store: CoordinateStore): Promise<Side> {
    const clock = new VirtualClock()
    const namespace = await createCoordinate(store, { clock }).namespace('model')
    const side = new Side(namespace, clock)
    for (const [at, name] of SPECS.entries())
      await namespace.setWorkSpec({ name, then: SPECS[at + 1], max_retries: 3 })
    return side
  }

  private constructor(namespace: Namespace, clock: VirtualClock) {
    this.namespace = namespace
    this.clock = clock
  }

  spec(name: string): Promise<WorkSpec> {
    return this.namespace.workSpec(name)
  }
}

/** What is done to a side. @returns what came of it, to be the same on every side */
export type Command = (side: Side) => Promise<unknown>

const spec = fc.constantFrom(...SPECS)
const name = fc.constantFrom(...NAMES)
const data = fc.constantFrom(
  undefined,
  { x: 1 },
  { output: ['a', ['b', { y: 2 }, { delay: 3, priority: 1 }]] },
  { output: 7 },
)

/** A command whose shape is printed when it fails. */
function command<T extends object>(
  what: string,
  shape: fc.Arbitrary<T>,
  run: (side: Side, given: T) => Promise<unknown>,
) {
  return shape.map((given) =>
    Object.assign((side: Side) => run(side, given), { toString: () => `${what} ${JSON.stringify(given)}` }),
  )
}

const add = command(
  'add',
  fc.record({
    spec,
    names: fc.array(name, { minLength: 1 }),
    priority: fc.integer({ min: 0, max: 2 }),
    delay: fc.constantFrom(0, 0, 2),
  }),
  async (side, given) => {
    const notBefore = given.delay > 0 ? new Date(side.clock.now() + given.delay * 1_000) : undefined
    const meta = { priority: given.priority, notBefore }
    await (
      await side.spec(given.spec)
    ).addWorkUnits(given.names.map((each, at) => ({ name: each, data: { at }, meta })))
  },
)

const request = command(
  'request',
  fc.record({ spec, units: fc.integer({ min: 1, max: 3 }), seconds: fc.constantFrom(1, 5, 60) }),
  async ({ namespace, attempts }, given) => {
    const worker = await namespace.worker('w')
    const request = {
      workSpecs: [given.spec],
      numberOfWorkUnits: given.units,
      lifetime: `${given.seconds}s` as const,
    }
    const got = await worker.requestAttempts(request)
    attempts.push(...got)
    return Promise.all(got.map(async (attempt) => [attempt.workUnit.name, await attempt.data()]))
  },
)

const make = command('make', fc.record({ spec, name }), async ({ namespace, attempts }, given) => {
  const unit = await (await namespace.workSpec(given.spec)).workUnit(given.name)
  attempts.push(await (await namespace.worker('w')).makeAttempt(unit, '5s'))
})

const end = command(
  'end',
  fc.record({
    nth: fc.nat(),
    how: fc.constantFrom('finish', 'finish', 'fail', 'retry', 'expire', 'renew'),
    data,
  }),
  async ({ attempts }, given) => {
    const attempt = attempts[attempts.length - 1 - (given.nth % Math.max(1, Math.min(6, attempts.length)))]
    if (attempt === undefined) return
    if (given.how === 'renew') await attempt.renew('2s', given.data)
    else if (given.how === 'retry') await attempt.retry(given.data, given.nth % 2 === 0 ? '3s' : 0)
    else await attempt[given.how](given.data)
  },
)

const change = command(
  'change',
  fc.record({
    spec,
    name,
    what: fc.constantFrom('clear', 'priority', 'now', 'later'),
    priority: fc.integer({ min: 0, max: 2 }),
  }),
  async (side, given) => {
    const unit = await (await side.spec(given.spec)).workUnit(given.name)
    if (given.what === 'clear') await unit.clearActiveAttempt()
    else if (given.what === 'priority') await unit.setPriority(given.priority)
    else if (given.what === 'now') await unit.setMeta({ priority: given.priority })
    else await unit.setMeta({ notBefore: new Date(side.clock.now() + 2_000) })
  },
)

const remove = command(
  'remove',
  fc.record({
    spec,
    statuses: fc.subarray([...STATUSES], { minLength: 1 }),
    limit: fc.integer({ min: 1, max: 3 }),
  }),
  async (side, given) =>
    (await side.spec(given.spec)).deleteWorkUnits({ statuses: given.statuses, limit: given.limit }),
)

const again = command(
  'again',
  fc.record({
    spec,
    call: fc.constantFrom('retryWorkUnits', 'clearWorkUnits'),
    statuses: fc.constantFrom(
      undefined,
      undefined,
      ['failed' as const],
      ['finished' as const, 'delayed' as const],
    ),
    limit: fc.integer({ min: 1, max: 3 }),
  }),
  async (side, { call, statuses, limit, ...given }) =>
    (await side.spec(given.spec))[call]({ statuses, limit }),
)

const setSpec = command(
  'setSpec',
  fc.record({
    spec,
    change: fc.constantFrom<Record<string, unknown>>(
      { max_retries: 3 },
      { max_retries: 1, then: 'one' },
      { continuous: true, interval: 3 },
      { continuous: true, max_running: 2, then: 'two' },
      { disabled: true, max_getwork: 1 },
      { weight: 0, then: 'none' },
    ),
  }),
  async (side, given) => void (await side.namespace.setWorkSpec({ name: given.spec, ...given.change })),
)

const destroySpec = command('destroySpec', fc.record({ spec }), async ({ namespace }, given) => {
  await namespace.destroyWorkSpec(given.spec)
  await namespace.setWorkSpec({ name: given.spec, then: 'two' })
})

const prioritise = command(
  'prioritise',
  fc.record({
    spec,
    names: fc.subarray([...NAMES]),
    previousName: name,
    by: fc.constantFrom(undefined, 1, -2),
  }),
  async (side, { spec, by, ...query }) => {
    const found = await side.spec(spec)
    if (by === undefined) await found.setWorkUnitPriorities(query, 1)
    else await found.adjustWorkUnitPriorities(query, by)
  },
)

const setMeta = command(
  'setMeta',
  fc.record({
    spec,
    change: fc.constantFrom(
      { maxRunning: 1 },
      { maxRunning: 0, paused: false },
      { paused: true },
      { maxRetries: 0 },
    ),
  }),
  async (side, given) => (await side.spec(given.spec)).setMeta(given.change),
)

const pass = command(
  'pass',
  fc.record({ seconds: fc.constantFrom(1, 2, 5) }),
  async ({ clock }, { seconds }) => clock.advance(`${seconds}s`),
)

const prune = command(
  'prune',
  fc.record({ seconds: fc.constantFrom(0, 4) }),
  async ({ namespace }, { seconds }) => namespace.prune(`${seconds}s`),
)

export const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    add,
    request,
    request,
    request,
    make,
    end,
    end,
    end,
    change,
    remove,
    again,
    setMeta,
    setSpec,
    destroySpec,
    prioritise,
    pass,
    prune,
  ),
  { minLength: 5, maxLength: 40 },
)

/** All that can be seen of a side. */
export async function sight({ namespace, attempts }: Side): Promise<unknown> {
  const specs = await Promise.all(
    SPECS.map(async (each) => {
      const found = await namespace.workSpec(each)
      const units = [...(await found.workUnits()).values()]
      const seen = units.map(async (unit) => [
        unit.name,
        await unit.status(),
        await unit.data(),
        await unit.meta(),
        await unit.numAttempts(),
        await Promise.all(
          (await unit.attempts()).map(async (each) => [await each.status(), await each.data()]),
        ),
      ])
      return [each, await found.meta({ withCounts: true }), await Promise.all(seen)]
    }),
  )
  const worker = await namespace.worker('w')
  const of = (each: Attempt[]) => each.map(({ workUnit }) => [workUnit.workSpec.name, workUnit.name])
  return [
    specs,
    of(await worker.activeAttempts()),
    of(await worker.allAttempts()),
    await namespace.summarize(),
    await Promise.all(attempts.map((each) => told(() => each.status()))),
  ]
}

/** What came of a call: its value, or the name of its error. */
export async function told(call: () => Promise<unknown>): Promise<unknown> {
  try {
    return { value: await call() }
  } catch (error) {
    return { error: (error as Error).name }
  }
}
