import { container as root, injectable, singleton } from 'tsyringe'
import { describe, expect, it } from 'vitest'
import type { Logger } from 'pino'
import {
  DuplicateNameError,
  LOGGER,
  type Runnable,
  Worker,
  WorkerGroupError,
  currentLogger,
  provideWorker,
  runProvidedWorkers,
  wait,
} from 'runutil'
import { capturedLogger } from '../support/logs.ts'
import { fresh, note, runGroup } from '../support/runtime/run-group.ts'

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
  it('finds the decorated classes of one group, and names their workers', async () => {
    expect(await runGroup(fresh(), 'plain')).toEqual([
      '/Fetcher/Commits',
      '/Fetcher/PRs',
      '/Fetcher',
      '/Renamed',
    ])
  })

  it('does not register a class in the container on import', () => {
    expect(root.isRegistered(Fetcher)).toBe(false)
  })

  it('warns and resolves if the group has no class', async () => {
    const { logger, lines } = capturedLogger()
    await runProvidedWorkers(fresh(), undefined, { group: 'nobody', logger })
    expect(lines).toEqual([
      expect.objectContaining({ level: 40, msg: expect.stringContaining("group 'nobody'") as string }),
    ])
  })

  it('adds the classes of a child container to those of its parent, each once', async () => {
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

  it('runs a provided class without a decorator for its container and child containers only', async () => {
    const made: string[] = []
    class Undecorated {
      constructor() {
        made.push('made')
      }
      workers = () => []
    }
    const one = fresh()
    const two = fresh()
    provideWorker(one, Undecorated, { group: 'undecorated' })
    const options = { group: 'undecorated', logger: capturedLogger().logger }
    await runProvidedWorkers(two, AbortSignal.abort(), options).catch(() => {})
    expect(made).toEqual([])
    await runProvidedWorkers(one.createChildContainer(), AbortSignal.abort(), options).catch(() => {})
    expect(made).toEqual(['made'])
  })

  it('rejects two classes with the same name', async () => {
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

  it('resolves from the given container, and injects the logger of the run if none is registered', async () => {
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

  it('uses the logger of its options, or else that of LOGGER', async () => {
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
    expect(lines.map(({ worker, msg }) => [worker, msg])).toEqual([['/Logs/#0', 'hello']])
  })

  it('injects the instance that runs if one worker class depends on another', async () => {
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
  it('disposes of all instances after all workers have ended, sequentially and in reverse order', async () => {
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
    container.register('cache', { useClass: Cache })
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

  it('does not dispose of earlier instances of the container, and continues after an error', async () => {
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

  it('disposes of all instances if another class cannot be created', async () => {
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
