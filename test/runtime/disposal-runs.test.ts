import {
  type Runnable,
  ShutdownTimeoutError,
  Worker,
  WorkerGroupError,
  runProvidedWorkers,
  wait,
} from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { type DependencyContainer, container as root, delay } from 'tsyringe'
import { describe, expect, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { failureOf, untilAbort } from '../support/outcome.ts'
import { Thing, grouped, keeper, runBriefly } from '../support/runtime/keeper.ts'

const { logger } = capturedLogger()

/** A run of one class, whose worker drains until `end` is called. */
class DrainingRun {
  readonly kept: Thing[][] = []
  readonly done: Promise<void>
  readonly #stop = new AbortController()
  #drained!: () => void

  constructor(container: DependencyContainer, ...tokens: unknown[]) {
    const drained = new Promise<void>((resolve) => (this.#drained = resolve))
    const Keeper = keeper(this.kept)
    const Draining = class extends (Keeper as new (...things: Thing[]) => object) {
      workers = (): Runnable[] => [(signal) => untilAbort(signal).then(() => drained)]
    }
    const group = grouped(Draining, ...tokens)
    this.done = runProvidedWorkers(container, this.#stop.signal, { group, logger })
  }

  get thing(): Thing {
    return this.kept[0]![0]!
  }

  async end(): Promise<void> {
    this.#stop.abort()
    this.#drained()
    await this.done
  }
}

describe('an instance that two runs use', () => {
  test('is disposed of once by the run that ends last, whichever created it', async () => {
    for (const lastToEnd of [0, 1]) {
      const container = root.createChildContainer()
      container.registerSingleton(Thing)
      const runs = [new DrainingRun(container, Thing), new DrainingRun(container, Thing)]
      const [first, last] = lastToEnd === 1 ? runs : [...runs].reverse()
      expect(first!.thing).toBe(last!.thing)
      await first!.end()
      expect(last!.thing.disposed).toBe(0)
      await last!.end()
      expect(last!.thing.disposed).toBe(1)
      const next = new DrainingRun(container, Thing)
      expect(next.thing).not.toBe(last!.thing)
      await next.end()
    }
  })

  test('is kept with all its dependencies, including delayed ones', async () => {
    const container = root.createChildContainer()
    class Config extends Thing {}
    class Cache extends Thing {}
    class Database extends Thing {
      readonly needed: Thing[]
      constructor(...needed: Thing[]) {
        super()
        this.needed = needed
      }
    }
    Worker({ group: 'nobody', inject: [Config, delay(() => Cache)] as never })(Database)
    for (const type of [Config, Cache, Database]) container.registerSingleton(type)
    const first = new DrainingRun(container, Database)
    const last = new DrainingRun(container, Database)
    const { needed } = last.thing as Database
    expect(needed[1]!.id).toBeGreaterThan(0)
    await first.end()
    expect([last.thing, ...needed].map(({ disposed }) => disposed)).toEqual([0, 0, 0])
    await last.end()
    expect([last.thing, ...needed].map(({ disposed }) => disposed)).toEqual([1, 1, 1])
  })

  test('is shared across child containers, too', async () => {
    const parent = root.createChildContainer()
    parent.registerSingleton(Thing)
    const runs = [1, 2].map(() => new DrainingRun(parent.createChildContainer(), Thing))
    await runs[0]!.end()
    expect(runs[1]!.thing.disposed).toBe(0)
    await runs[1]!.end()
    expect(runs[1]!.thing.disposed).toBe(1)
  })
})

describe('container.dispose()', () => {
  test('after a run does not dispose of anything twice', async () => {
    const container = root.createChildContainer()
    const kept: Thing[][] = []
    await runBriefly(container, grouped(keeper(kept), Thing, Thing))
    await container.dispose()
    expect(kept[0]!.map(({ disposed }) => disposed)).toEqual([1, 1])
  })

  test('before the end of a run replaces the disposal by the run', async () => {
    const container = root.createChildContainer()
    const run = new DrainingRun(container, Thing)
    await container.dispose()
    expect(run.thing.disposed).toBe(1)
    await run.end()
    expect(run.thing.disposed).toBe(1)
  })
})

describe('a disposal that takes too long', () => {
  class Endless {
    begun = 0
    dispose(): Promise<void> {
      this.begun++
      return new Promise(() => {})
    }
  }
  const seen: Thing[] = []
  class Before extends Thing {
    constructor() {
      super()
      seen.push(this)
    }
  }
  class Web {
    readonly needed: readonly object[]
    constructor(before: Before, endless: Endless) {
      this.needed = [before, endless]
    }
    workers(): Runnable[] {
      return [{ name: 'Drain', worker: (signal) => untilAbort(signal).then(() => wait(600)) }]
    }
  }

  test.each([
    ['the rest of the grace period', '10s', 10_000],
    ['at least a second', '800ms', 1_600],
    ['a second after workers that did not stop in time', 500, 1_500],
  ])(
    'gets %s, is named in the ShutdownTimeoutError, and does not prevent the others',
    async (_, grace, ms) => {
      const clock = new VirtualClock({ auto: true })
      const group = grouped(Web, Before, Endless)
      const error = await failureOf<WorkerGroupError>(
        runBriefly(root.createChildContainer(), group, { clock, grace }),
      )
      expect(clock.elapsed()).toBe(ms)
      expect(error.errors).toEqual([expect.any(ShutdownTimeoutError)])
      expect(error.errors[0]).toHaveProperty(
        'workers',
        grace === 500 ? ['/Web/Drain', 'disposing Endless'] : ['disposing Endless'],
      )
      expect(error.errors[0]).toHaveProperty('graceMs', grace === 500 ? 500 : ms)
      expect(error.message).toContain('disposing Endless')
      expect(seen.pop()!.disposed).toBe(1)
    },
  )

  test('causes no unhandled rejection if it rejects later', async () => {
    const clock = new VirtualClock({ auto: true })
    class Late {
      dispose = (): Promise<void> => wait('1h').then(() => Promise.reject(new Error('too late')))
    }
    const group = grouped(keeper([]), Late)
    await failureOf(runBriefly(root.createChildContainer(), group, { clock, grace: 100 }))
    await clock.advance('2h')
  })

  test('also ends for a run that could not start', async () => {
    class Broken {
      readonly endless: Endless
      constructor(endless: Endless) {
        this.endless = endless
        throw new Error('no disk')
      }
      workers = (): Runnable[] => []
    }
    const clock = new VirtualClock({ auto: true })
    const group = grouped(Broken, Endless)
    const run = runBriefly(root.createChildContainer(), group, { clock, grace: 100 })
    const { workers, message } = await failureOf<WorkerGroupError>(run)
    expect(workers).toEqual(['starting', 'disposing Endless'])
    expect(message).toContain('no disk')
  })
})
