import { type DependencyContainer, container as root, inject, injectable, singleton, delay } from 'tsyringe'
import { describe, expect, it } from 'vitest'
import type { Logger } from 'pino'
import {
  DuplicateNameError,
  InvalidArgumentError,
  LOGGER,
  type Runnable,
  Worker,
  WorkerGroupError,
  WorkerResolutionError,
  currentLogger,
  currentName,
  provideWorker,
  runProvidedWorkers,
  wait,
} from 'runutil'
import { capturedLogger } from '../support/logs.ts'

const fresh = (): DependencyContainer => root.createChildContainer()

/** Runs the classes of a group until each worker of theirs has started once, then stops. */
async function runGroup(container: DependencyContainer, group: string): Promise<string[]> {
  const controller = new AbortController()
  setImmediate(() => controller.abort())
  names.length = 0
  await runProvidedWorkers(container, controller.signal, { group, logger: capturedLogger().logger })
  return [...names]
}

const names: string[] = []
const note = (signal: AbortSignal): Promise<void> => (names.push(currentName()), wait('1h', signal))

@Worker({ group: 'plain' })
class Fetcher {
  workers(): Runnable[] {
    return [{ name: 'Commits', worker: note }, { name: 'PRs', worker: note }, note]
  }
}

@Worker({ group: 'plain', name: 'Renamed' })
export class Other {
  *workers(): Iterable<Runnable> {
    yield note
  }
}

describe('runProvidedWorkers', () => {
  it('finds the decorated classes, of one group, and names what they run', async () => {
    expect(await runGroup(fresh(), 'plain')).toEqual([
      '/Fetcher/Commits',
      '/Fetcher/PRs',
      '/Fetcher',
      '/Renamed',
    ])
  })

  it('registers nothing in the container by importing a class', () => {
    expect(root.isRegistered(Fetcher)).toBe(false)
  })

  it('warns and resolves when there is none', async () => {
    const { logger, lines } = capturedLogger()
    await runProvidedWorkers(fresh(), undefined, { group: 'nobody', logger })
    expect(lines).toEqual([
      expect.objectContaining({ level: 40, msg: expect.stringContaining("group 'nobody'") as string }),
    ])
  })

  it("adds a child's own classes to its parent's, each once", async () => {
    const parent = fresh()
    const child = parent.createChildContainer()
    @Worker({ group: 'family' })
    class OfParent {
      workers = () => [note]
    }
    @Worker({ group: 'family' })
    class OfChild {
      workers = () => [note]
    }
    provideWorker(parent, OfParent)
    provideWorker(parent, OfParent)
    provideWorker(child, OfChild)
    provideWorker(child, OfParent)
    expect(await runGroup(child, 'family')).toEqual(['/OfParent', '/OfChild'])
  })

  it('runs a provided class that has no decorator, for its container and below only', async () => {
    const made: string[] = []
    class Undecorated {
      constructor() {
        made.push('made')
      }
      workers = () => []
    }
    const [one, two] = [fresh(), fresh()]
    provideWorker(one, Undecorated)
    const { logger } = capturedLogger()
    await runProvidedWorkers(two, AbortSignal.abort(), { logger }).catch(() => {})
    expect(made).toEqual([])
    await runProvidedWorkers(one.createChildContainer(), AbortSignal.abort(), { logger }).catch(() => {})
    expect(made).toEqual(['made'])
  })

  it('refuses two classes of one name', async () => {
    const make = () => {
      @Worker({ group: 'twins' })
      class Twin {
        workers = () => [note]
      }
      return Twin
    }
    make()
    make()
    await expect(runGroup(fresh(), 'twins')).rejects.toBeInstanceOf(DuplicateNameError)
  })

  it("resolves from the given container, and injects the run's logger where none is registered", async () => {
    class Settings {
      readonly origin: string = 'default'
    }
    let seen: unknown[] = []
    @Worker({ group: 'injected', inject: [Settings, LOGGER] })
    class Injected {
      constructor(
        readonly settings: Settings,
        readonly logger: Logger,
      ) {}
      workers() {
        seen = [this.settings.origin, this.logger]
        return [note]
      }
    }
    void Injected
    const container = fresh()
    container.register(Settings, { useValue: { origin: 'container' } })
    const { logger } = capturedLogger()
    const run = (): Promise<void> =>
      runProvidedWorkers(container, AbortSignal.abort(), { group: 'injected', logger })
    await run()
    expect(seen).toEqual(['container', logger])
    const own = capturedLogger().logger
    container.register(LOGGER, { useValue: own })
    await run()
    expect(seen[1]).toBe(own)
  })

  it('takes its logger from the options, else from LOGGER', async () => {
    @Worker({ group: 'logs' })
    class Logs {
      workers = () => [async (signal: AbortSignal) => (currentLogger().info('hello'), wait('1h', signal))]
    }
    void Logs
    const container = fresh()
    const { logger, lines } = capturedLogger()
    container.register(LOGGER, { useValue: logger })
    const controller = new AbortController()
    setImmediate(() => controller.abort())
    await runProvidedWorkers(container, controller.signal, { group: 'logs' })
    expect(lines.map(({ worker, msg }) => [worker, msg])).toEqual([['/Logs', 'hello']])
  })

  it('hands a worker class that another one depends on the instance that runs', async () => {
    const instances: unknown[] = []
    @Worker({ group: 'shared' })
    class Pool {
      workers = () => (instances.push(this), [note])
    }
    @Worker({ group: 'shared', inject: [Pool] })
    class User {
      constructor(readonly pool: Pool) {}
      workers = () => (instances.push(this.pool), [note])
    }
    void User
    await runGroup(fresh(), 'shared')
    expect(instances).toHaveLength(2)
    expect(instances[0]).toBe(instances[1])
  })

  it('works with the metadata that the compiler emits', async () => {
    @injectable()
    class Clockwork {
      readonly name = 'clockwork'
    }
    @Worker({ group: 'metadata' })
    class WithMetadata {
      constructor(readonly clockwork: Clockwork) {}
      workers() {
        return [{ name: this.clockwork.name, worker: note }]
      }
    }
    void WithMetadata
    expect(await runGroup(fresh(), 'metadata')).toEqual(['/WithMetadata/clockwork'])
  })
})

describe('disposal', () => {
  it('ends what was made after all workers ended, the last first, one after another', async () => {
    const order: string[] = []
    const disposed = async (name: string): Promise<void> => {
      order.push(`${name} begins`)
      await new Promise(setImmediate)
      order.push(`${name} ends`)
    }
    @singleton()
    class Db {
      [Symbol.asyncDispose] = () => disposed('db')
    }
    class Cache {
      dispose = () => disposed('cache')
    }
    @Worker({ group: 'disposal', inject: [Db, 'cache', 'given'] })
    class Svc {
      constructor(
        readonly db: Db,
        readonly cache: Cache,
        readonly given: object,
      ) {}
      workers = () => [
        (signal: AbortSignal) => wait('1h', signal).then(() => void order.push('worker ended')),
      ]
      dispose = () => disposed('svc')
    }
    void Svc
    const container = fresh()
    container.register('cache', { useFactory: () => new Cache() })
    container.register('given', { useValue: { dispose: () => order.push('never') } })
    await runGroup(container, 'disposal')
    expect(order).toEqual([
      'worker ended',
      ...['svc', 'cache', 'db'].flatMap((name) => [`${name} begins`, `${name} ends`]),
    ])
    order.length = 0
    await runGroup(container, 'disposal')
    expect(order.filter((line) => line.startsWith('db'))).toEqual(['db begins', 'db ends'])
  })

  it('leaves alone what the container had before, and goes on after an error', async () => {
    const order: string[] = []
    @singleton()
    class Before {
      dispose = () => order.push('before')
    }
    class First {
      dispose = () => order.push('first')
    }
    class Second {
      dispose = () => {
        throw new Error('second fails')
      }
    }
    @Worker({ group: 'failing disposal', inject: [Before, First, Second] })
    class Svc {
      constructor(
        readonly before: Before,
        readonly first: First,
        readonly second: Second,
      ) {}
      workers = () => [note]
    }
    void Svc
    const container = fresh()
    container.resolve(Before)
    const error: unknown = await runGroup(container, 'failing disposal').catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(WorkerGroupError)
    expect((error as WorkerGroupError).errors.map(({ message }) => message)).toEqual(['second fails'])
    expect(order).toEqual(['first'])
  })

  it('ends what was made when another class can not be made', async () => {
    const order: string[] = []
    @Worker({ group: 'half made' })
    class Made {
      workers = () => []
      dispose = () => order.push('made')
    }
    @Worker({ group: 'half made' })
    class Broken {
      constructor() {
        throw new Error('no disk')
      }
      workers = () => []
    }
    void [Made, Broken]
    await expect(runGroup(fresh(), 'half made')).rejects.toThrow(/cannot make worker Broken.*no disk/s)
    expect(order).toEqual(['made'])
  })
})

describe('diagnosis', () => {
  class NeedsArgument {
    constructor(readonly url: string) {}
  }
  interface Shape {
    size: number
  }

  const cases: Record<string, { make: (group: string) => void; says: RegExp }> = {
    'a class that no decorator tells of': {
      make: (group) => {
        class Bare {
          constructor(readonly other: NeedsArgument) {}
        }
        @Worker({ group, inject: [Bare] })
        class Svc {
          constructor(readonly bare: Bare) {}
          workers = () => []
        }
        void Svc
      },
      says: /cannot make worker Svc: parameter #0 \(other\) of class Bare: .*@Worker\(\{ inject/s,
    },
    'an interface as type': {
      make: (group) => {
        @Worker({ group })
        class Svc {
          constructor(readonly shape: Shape) {}
          workers = () => []
        }
        void Svc
      },
      says: /parameter #0 \(shape\) of class Svc: its type is an interface/,
    },
    'a primitive as type': {
      make: (group) => {
        @Worker({ group })
        class Svc {
          constructor(
            readonly ok: Other,
            readonly url: string,
          ) {}
          workers = () => []
        }
        void Svc
      },
      says: /parameter #1 \(url\) of class Svc: its type is String/,
    },
    'a token that nothing is registered under': {
      make: (group) => {
        @Worker({ group })
        class Svc {
          constructor(@inject('dsn') readonly dsn: string) {}
          workers = () => []
        }
        void Svc
      },
      says: /parameter #0 \(dsn\) of class Svc: nothing is registered under 'dsn'; call container.register\('dsn'/,
    },
    'two classes that need each other': {
      make: (group) => {
        class A {
          constructor(readonly b: object) {}
        }
        class B {
          constructor(readonly a: A) {}
        }
        injectable()(A)
        injectable()(B)
        inject(B)(A, undefined, 0)
        inject(A)(B, undefined, 0)
        injectable()(A)
        injectable()(B)
        @Worker({ group, inject: [A] })
        class Svc {
          constructor(readonly a: A) {}
          workers = () => []
        }
        void Svc
      },
      says: /parameter #0 \(a\) of class B: it needs A, which is being made for it: a circle; inject it by delay/,
    },
  }

  it.each(Object.entries(cases))('names class, parameter and mend for %s', async (name, { make, says }) => {
    make(name)
    const error: unknown = await runGroup(fresh(), name).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(WorkerResolutionError)
    expect((error as Error).message).toMatch(says)
    expect((error as Error).cause).toBeInstanceOf(Error)
    expect(names).toEqual([])
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a number', 7],
  ])('says what workers() has to return when it returns %s', async (name, returned) => {
    @Worker({ group: `returns ${name}` })
    class Svc {
      workers = () => returned as Runnable[]
    }
    void Svc
    await expect(runGroup(fresh(), `returns ${name}`)).rejects.toThrow(
      /worker Svc: expected an array or other iterable as workers\(\)/,
    )
  })

  it('says that a class has no workers()', async () => {
    @Worker({ group: 'no workers' })
    class Svc {}
    void Svc
    await expect(runGroup(fresh(), 'no workers')).rejects.toThrow(
      /worker Svc: expected a class with a method workers\(\)/,
    )
  })
})

describe('@Worker', () => {
  const decorate = (options: object, type: Function): void => void Worker(options)(type)
  class Two {
    constructor(
      readonly a: object,
      readonly b: object,
    ) {}
  }

  it.each([
    [
      'too few',
      [Other],
      /expected a token for each constructor parameter of Two \(a, b\); got an array of 1/,
    ],
    ['too many', [Other, Other, Other], /got an array of 3/],
    ['an undefined one', [Other, undefined], /parameter #1 \(b\) of Two; got undefined; .*delay/],
    ['no list', 'Other', /expected a token for each/],
  ])('refuses %s tokens', (_, tokens, says) => {
    expect(() => decorate({ inject: tokens }, Two)).toThrow(InvalidArgumentError)
    expect(() => decorate({ inject: tokens }, Two)).toThrow(says)
  })

  it('takes defaults, delayed tokens and inherited constructors for what they are', () => {
    class WithDefault {
      constructor(
        readonly a: object,
        readonly b: object = {},
      ) {}
    }
    class Derived extends Two {}
    decorate({ inject: [Other], group: 'unused' }, WithDefault)
    decorate({ inject: [Other, Other], group: 'unused' }, WithDefault)
    decorate({ inject: [delay(() => Other), Other], group: 'unused' }, Derived)
  })

  it('says so when the parentheses are missing, a name is empty or an option is unknown', () => {
    expect(() => Worker(Two as never)).toThrow(/write @Worker\(\) above class Two/)
    expect(() => Worker({ name: ' ' })).toThrow(/@Worker: name: expected a name that isn't empty/)
    expect(() => Worker({ gruop: 'a' } as never)).toThrow(/unknown option 'gruop'; did you mean 'group'/)
  })

  it('works as a standard decorator too, which gets a context', () => {
    const decorator = Worker({ group: 'unused', name: 'Standard' }) as unknown as (
      type: Function,
      context: object,
    ) => void
    decorator(class Standard {}, { kind: 'class', name: 'Standard' })
  })
})
