import fc from 'fast-check'
import {
  type Attempt,
  type Coordinate,
  type CoordinateStore,
  type Namespace,
  type WorkSpec,
  createCoordinate,
} from 'runutil/coordinate'
import { VirtualClock } from 'runutil/testing'
import { told } from './coordinate-commands.ts'

/** Each is followed by the next. */
const SPECS = ['one', 'two', 'three'] as const
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'] as const
/** Of two namespaces. */
const WORKERS = ['v', 'w', 'x', 'y'] as const

/** What several askers do at the same time. */
export interface Round {
  readonly add: readonly { spec: string; names: string[]; priority: number }[]
  readonly seconds: number
  readonly meta: { spec: string; maxRunning: number; weight: number }
  readonly ends: readonly { nth: number; how: 'finish' | 'fail' | 'retry'; output: string[] }[]
  readonly requests: readonly {
    worker: number
    specs: string[] | undefined
    units: number
    seconds: number
  }[]
}

export const rounds: fc.Arbitrary<Round[]> = fc.array(
  fc.record({
    add: fc.array(
      fc.record({
        spec: fc.constantFrom(...SPECS),
        names: fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 4 }),
        priority: fc.integer({ min: 0, max: 2 }),
      }),
      { maxLength: 2 },
    ),
    seconds: fc.constantFrom(0, 0, 1, 5),
    meta: fc.record({
      spec: fc.constantFrom(...SPECS),
      maxRunning: fc.constantFrom(0, 0, 2),
      weight: fc.constantFrom(0, 1, 20, 20),
    }),
    ends: fc.array(
      fc.record({
        nth: fc.nat({ max: 20 }),
        how: fc.constantFrom('finish', 'finish', 'fail', 'retry'),
        output: fc.subarray([...NAMES], { maxLength: 3 }),
      }),
      { maxLength: 5 },
    ),
    requests: fc.array(
      fc.record({
        worker: fc.nat({ max: WORKERS.length }),
        specs: fc.constantFrom(undefined, undefined, ['one'], ['two', 'three']),
        units: fc.integer({ min: 1, max: 3 }),
        seconds: fc.constantFrom(1, 60),
      }),
      { maxLength: 6 },
    ),
  }),
  { minLength: 2, maxLength: 10 },
)

/** Two namespaces in one store, and all attempts that came of requests. */
export class Askers {
  readonly clock = new VirtualClock()
  readonly coordinate: Coordinate
  readonly attempts: Attempt[] = []

  static async open(store: CoordinateStore): Promise<Askers> {
    const askers = new Askers(store)
    for (const namespace of await askers.namespaces()) {
      for (const [at, name] of SPECS.entries())
        await namespace.setWorkSpec({ name, then: SPECS[at + 1], max_retries: 3 })
    }
    return askers
  }

  private constructor(store: CoordinateStore) {
    this.coordinate = createCoordinate(store, { clock: this.clock })
  }

  namespaces(): Promise<Namespace[]> {
    return Promise.all(['first', 'second'].map((name) => this.coordinate.namespace(name)))
  }

  /** @param inTurn each call after the one before it; else all at once @returns what came of each */
  async play(round: Round, inTurn: boolean): Promise<unknown[]> {
    await this.#prepare(round)
    const calls = [...this.#ends(round), ...(await this.#requests(round))]
    const answers: unknown[] = []
    if (inTurn) for (const call of calls) answers.push(await told(call))
    else answers.push(...(await Promise.all(calls.map(told))))
    return answers
  }

  async #prepare({ add, seconds, meta }: Round): Promise<void> {
    for (const namespace of await this.namespaces()) {
      const spec = (name: string): Promise<WorkSpec> => namespace.workSpec(name)
      for (const { names, priority, ...of } of add) {
        const units = names.map((name, at) => ({ name, data: { at }, meta: { priority } }))
        await (await spec(of.spec)).addWorkUnits(units)
      }
      await (await spec(meta.spec)).setMeta({ maxRunning: meta.maxRunning, weight: meta.weight })
    }
    await this.clock.advance(`${seconds}s`)
  }

  /** In an order in which none adds a unit that a later one ends: of the last specs first. */
  #ends({ ends }: Round): (() => Promise<unknown>)[] {
    const chosen = new Map(
      ends.map((end) => [this.attempts[this.attempts.length - 1 - (end.nth % 8)], end] as const),
    )
    const depth = (attempt: Attempt | undefined): number =>
      SPECS.indexOf(attempt?.workUnit.workSpec.name as (typeof SPECS)[number])
    return [...chosen]
      .sort(([a], [b]) => depth(b) - depth(a))
      .map(
        ([attempt, { how, output }]) =>
          async () =>
            attempt?.[how]({ output }),
      )
  }

  async #requests({ requests }: Round): Promise<(() => Promise<unknown>)[]> {
    const workers = await this.#workers()
    return requests.map((request) => async () => {
      const attempts = await workers[request.worker]!.requestAttempts({
        workSpecs: request.specs,
        numberOfWorkUnits: request.units,
        lifetime: `${request.seconds}s`,
      })
      this.attempts.push(...attempts)
      return attempts.map(({ workUnit, worker }) => [workUnit.workSpec.name, workUnit.name, worker.name])
    })
  }

  /** Of both namespaces, and one that is gone. */
  async #workers() {
    const [first, second] = (await this.namespaces()) as [Namespace, Namespace]
    const passing = await this.coordinate.namespace('passing')
    const workers = [
      ...WORKERS.map((name, at) => (at % 2 === 0 ? first : second).worker(name)),
      passing.worker('z'),
    ]
    const made = await Promise.all(workers)
    await passing.destroy()
    return made
  }
}
