import { type Runnable, ShutdownTimeoutError, Worker, WorkerGroupError, runProvidedWorkers } from 'runutil'
import { VirtualClock } from 'runutil/testing'
import {
  type DependencyContainer,
  Lifecycle,
  container as root,
  delay,
  inject,
  injectable,
  instanceCachingFactory,
} from 'tsyringe'
import { describe, expect, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { failureOf, untilAbort } from '../support/outcome.ts'
import { Thing, grouped, keeper, runBriefly } from '../support/runtime/keeper.ts'

const { logger } = capturedLogger()

describe('an instance that is registered', () => {
  type Register = (container: DependencyContainer) => void
  const existing = new Thing()
  const cases: [string, Register, { fresh: boolean; disposed: boolean }][] = [
    ['as a class', (c) => c.register('thing', { useClass: Thing }), { fresh: true, disposed: true }],
    ['as a singleton', (c) => c.registerSingleton('thing', Thing), { fresh: true, disposed: true }],
    [
      'for each container',
      (c) => c.register('thing', { useClass: Thing }, { lifecycle: Lifecycle.ContainerScoped }),
      { fresh: true, disposed: true },
    ],
    [
      'for each resolution',
      (c) => c.register('thing', { useClass: Thing }, { lifecycle: Lifecycle.ResolutionScoped }),
      { fresh: true, disposed: true },
    ],
    [
      'by a factory',
      (c) => c.register('thing', { useFactory: () => new Thing() }),
      { fresh: true, disposed: false },
    ],
    [
      'by a factory that lets the container construct it',
      (c) => c.register('thing', { useFactory: (inner) => inner.resolve(Thing) }),
      { fresh: true, disposed: false },
    ],
    [
      'by a factory that caches what the container constructed',
      (c) => c.register('thing', { useFactory: instanceCachingFactory((inner) => inner.resolve(Thing)) }),
      { fresh: false, disposed: false },
    ],
    ['by another token', (c) => c.register('thing', { useToken: Thing }), { fresh: true, disposed: true }],
    ['as a value', (c) => c.register('thing', { useValue: existing }), { fresh: false, disposed: false }],
    [
      'as an alias of a value',
      (c) => c.register('value', { useValue: existing }).registerSingleton('thing', 'value'),
      { fresh: false, disposed: false },
    ],
    [
      'as an alias of a value, by a factory',
      (c) =>
        c
          .register('value', { useValue: existing })
          .register('thing', { useFactory: (i) => i.resolve('value') }),
      { fresh: false, disposed: false },
    ],
  ]

  describe.each(['own', 'parent'])('in the container (%s)', (where) => {
    test.each(cases)(
      '%s: belongs to its run only if the container creates it',
      async (_, register, expected) => {
        const parent = root.createChildContainer()
        register(parent)
        const container = where === 'own' ? parent : parent.createChildContainer()
        const kept: Thing[][] = []
        const group = grouped(keeper(kept), 'thing')
        await runBriefly(container, group)
        await runBriefly(container, group)
        const [first, second] = kept.map(([thing]) => thing!)
        expect(kept).toHaveLength(2)
        expect(first !== second).toBe(expected.fresh)
        expect([first!.disposed, second!.disposed]).toEqual(expected.disposed ? [1, 1] : [0, 0])
      },
    )
  })

  test('and was created earlier by the caller is not disposed of', async () => {
    const container = root.createChildContainer()
    container.registerSingleton('thing', Thing)
    const mine = container.resolve<Thing>('thing')
    const kept: Thing[][] = []
    await runBriefly(container, grouped(keeper(kept), 'thing'))
    expect(kept[0]![0]).toBe(mine)
    expect(mine.disposed).toBe(0)
    expect(container.resolve('thing')).toBe(mine)
  })

  test('as a singleton and injected into two classes is disposed of once', async () => {
    const container = root.createChildContainer()
    container.registerSingleton('thing', Thing)
    const kept: Thing[][] = []
    const group = grouped(keeper(kept), 'thing', 'thing')
    const Second = class Second extends (keeper(kept) as new (...things: Thing[]) => {
      workers(): Runnable[]
    }) {
      constructor(thing: Thing) {
        super(thing)
      }
    }
    Worker({ group, inject: ['thing'] })(Second)
    await runBriefly(container, group)
    expect(new Set(kept.flat()).size).toBe(1)
    expect(kept[0]![0]!.disposed).toBe(1)
  })

  test('by a factory has its dependencies from the container disposed of', async () => {
    const container = root.createChildContainer()
    container.registerSingleton(Thing)
    const things: Thing[] = []
    const make = (inner: DependencyContainer): object => ({
      thing: things[things.push(inner.resolve(Thing)) - 1],
    })
    container.register('repository', { useFactory: make })
    await runBriefly(container, grouped(keeper([]), 'repository', 'repository'))
    expect(things).toHaveLength(2)
    expect(things[0]).toBe(things[1])
    expect(things[0]!.disposed).toBe(1)
  })

  test('both by a factory and as a class belongs to the container', async () => {
    const container = root.createChildContainer()
    container.registerSingleton(Thing)
    container.register('thing', { useFactory: (inner) => inner.resolve(Thing) })
    const kept: Thing[][] = []
    await runBriefly(container, grouped(keeper(kept), 'thing', Thing))
    expect(kept[0]![0]).toBe(kept[0]![1])
    expect(kept[0]![0]!.disposed).toBe(1)
  })
})

describe('the end of a run', () => {
  interface Ending {
    dispose?: () => unknown
    [Symbol.asyncDispose]?: () => unknown
  }
  type Class = new () => object
  const traced = (
    order: string[],
    name: string,
    how: 'dispose' | 'asyncDispose' | 'both' = 'dispose',
  ): Class => {
    const end = (by: string) => async () => {
      order.push(`${name} ${by}`)
      await new Promise((resolve) => setImmediate(resolve))
      order.push(`${name} ended`)
    }
    class Traced implements Ending {
      dispose?: () => unknown;
      [Symbol.asyncDispose]?: () => unknown
      constructor() {
        if (how !== 'asyncDispose') this.dispose = end('dispose')
        if (how !== 'dispose') this[Symbol.asyncDispose] = end('asyncDispose')
      }
    }
    return Traced
  }
  const registered = (things: Record<string, Class>): DependencyContainer => {
    const container = root.createChildContainer()
    for (const [token, useClass] of Object.entries(things)) container.register(token, { useClass })
    return container
  }

  test('prefers asyncDispose to dispose, and disposes sequentially in reverse order of creation', async () => {
    const order: string[] = []
    const container = registered({
      a: traced(order, 'a'),
      b: traced(order, 'b', 'asyncDispose'),
      c: traced(order, 'c', 'both'),
    })
    await runBriefly(container, grouped(keeper([]), 'a', 'b', 'c'))
    expect(order).toEqual(['c asyncDispose', 'c ended', 'b asyncDispose', 'b ended', 'a dispose', 'a ended'])
  })

  test('calls a disposer as a method, and ignores values that are not functions', async () => {
    const ended: Conn[] = []
    class Conn {
      open = true
      dispose(): void {
        this.open = false
        ended.push(this)
      }
    }
    const container = registered({
      conn: Conn,
      odd: class {
        dispose = true
      },
    })
    container.register('text', { useFactory: () => 'text' }).register('none', { useFactory: () => null })
    await runBriefly(container, grouped(keeper([]), 'conn', 'odd', 'text', 'none'))
    expect(ended).toEqual([expect.objectContaining({ open: false })])
  })

  test('reports all failures, those of workers first, and continues after a failed disposal', async () => {
    const order: string[] = []
    const container = registered({
      a: class {
        dispose(): void {
          order.push('a')
          throw new Error('a fails')
        }
      },
      b: traced(order, 'b'),
      c: class {
        [Symbol.asyncDispose](): Promise<void> {
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- that is what is tested
          return Promise.reject('c fails')
        }
      },
    })
    class Failing {
      workers = (): Runnable[] => [{ name: 'w', worker: () => Promise.reject(new Error('w fails')) }]
    }
    const group = grouped(Failing)
    const Holder = keeper([])
    Worker({ group, inject: ['a', 'b', 'c'] })(Holder)
    const error = await failureOf<WorkerGroupError>(
      runProvidedWorkers(container, undefined, { group, logger }),
    )
    expect(error).toBeInstanceOf(WorkerGroupError)
    expect(error.errors.map(({ message }) => message)).toEqual([
      'w fails',
      'a non-Error was thrown: "c fails"',
      'a fails',
    ])
    expect(error.workers[0]).toBe('/Failing/w')
    expect(order).toEqual(['b dispose', 'b ended', 'a'])
  })

  test('disposes even if workers exceeded the grace period', async () => {
    const order: string[] = []
    class Stubborn {
      workers = (): Runnable[] => [() => new Promise(() => {})]
    }
    const group = grouped(Stubborn)
    Worker({ group, inject: ['a'] })(keeper([]))
    const container = registered({ a: traced(order, 'a') })
    const clock = new VirtualClock({ auto: true })
    const error = await failureOf<WorkerGroupError>(runBriefly(container, group, { clock, grace: '1s' }))
    expect(error.errors).toEqual([expect.any(ShutdownTimeoutError)])
    expect(order).toEqual(['a dispose', 'a ended'])
  })

  test('leaves the container usable and without hooks', async () => {
    const container = registered({ thing: Thing })
    const before = Object.keys(container)
    const kept: Thing[][] = []
    await runBriefly(container, grouped(keeper(kept), 'thing'))
    expect(Object.keys(container)).toEqual(before)
    const mine = container.resolve<Thing>('thing')
    expect(mine).not.toBe(kept[0]![0])
    expect(mine.disposed).toBe(0)
  })
})

describe('a delayed dependency', () => {
  test('on a worker class resolves to the instance that runs', async () => {
    const running: unknown[] = []
    const asked: unknown[] = []
    @injectable()
    class Service {
      constructor(@inject(delay(() => Main)) readonly main: { identity: object }) {}
    }
    class Main {
      readonly identity = {}
      readonly service: Service
      constructor(service: Service) {
        this.service = service
      }
      workers(): Runnable[] {
        running.push(this.identity)
        return [
          async (signal) => {
            asked.push(this.service.main.identity)
            await untilAbort(signal)
          },
        ]
      }
    }
    await runBriefly(root.createChildContainer(), grouped(Main, Service))
    expect(asked).toHaveLength(1)
    expect(asked[0]).toBe(running[0])
  })

  test('is disposed of if it was created, and not created for that', async () => {
    for (const used of [true, false]) {
      const made: Thing[] = []
      class Lazy extends Thing {
        constructor() {
          super()
          made.push(this)
        }
      }
      class Main {
        readonly lazy: Lazy
        constructor(lazy: Lazy) {
          this.lazy = lazy
        }
        workers = (): Runnable[] => [(signal) => (used && this.lazy.id, untilAbort(signal))]
      }
      await runBriefly(
        root.createChildContainer(),
        grouped(
          Main,
          delay(() => Lazy),
        ),
      )
      expect(made.map(({ disposed }) => disposed)).toEqual(used ? [1] : [])
    }
  })
})
