import { type DependencyContainer, inject, injectable } from 'tsyringe'
import { describe, expect, it, vi } from 'vitest'
import { type Runnable, Worker, WorkerResolutionError } from 'runutil'
import { failureOf } from '../support/outcome.ts'
import { fresh, names, runGroup } from '../support/runtime/run-group.ts'

class Other {}

const registrations = new Map<string, (container: DependencyContainer) => void>()

/** The length of the messages and stacks of an error and its causes. */
function textIn(error: unknown): number {
  if (!(error instanceof Error)) return 0
  return error.message.length + (error.stack?.length ?? 0) + textIn(error.cause)
}

describe('diagnosis', () => {
  class NeedsArgument {
    constructor(readonly url: string) {}
  }
  interface Shape {
    size: number
  }

  const cases: Record<string, { make: (group: string) => void; says: RegExp }> = {
    'a class without a decorator': {
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
    'a parameter whose type is an interface': {
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
    'a parameter whose type is a primitive': {
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
    'a token that is not registered': {
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
    'a class that must be registered, not created': {
      make: (group) => {
        class Queue {
          constructor(readonly store: object) {}
        }
        @Worker({ group, inject: [Queue] })
        class Svc {
          constructor(readonly queue: Queue) {}
          workers = () => []
        }
        void Svc
      },
      says: /parameter #0 \(store\) of class Queue: .*no Queue is registered: call container\.register\(Queue, \{ useValue/,
    },
    'a missing token after an optional one': {
      make: (group) => {
        @Worker({ group })
        class Svc {
          constructor(
            @inject('metrics', { isOptional: true }) readonly metrics: object | undefined,
            @inject('dsn') readonly dsn: string,
          ) {}
          workers = () => []
        }
        void Svc
      },
      says: /parameter #1 \(dsn\) of class Svc: nothing is registered under 'dsn'/,
    },
    'a class that is registered for a token': {
      make: (group) => {
        class Bare {
          constructor(readonly url: string) {}
        }
        registrations.set(group, (container) => container.register('bare', { useClass: Bare }))
        @Worker({ group, inject: ['bare'] })
        class Svc {
          constructor(readonly bare: object) {}
          workers = () => []
        }
        void Svc
      },
      says: /parameter #0 \(url\) of class Bare: its type is unknown/,
    },
    'two classes that depend on each other': {
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
      says: /parameter #0 \(a\) of class B: it needs A, which is being made for it: a circular dependency; inject it with delay/,
    },
  }

  it.each(Object.entries(cases))(
    'names the class, the parameter and what to do for %s',
    async (name, { make, says }) => {
      make(name)
      const container = fresh()
      registrations.get(name)?.(container)
      const error: unknown = await runGroup(container, name).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(WorkerResolutionError)
      expect((error as Error).message).toMatch(says)
      expect((error as Error).cause).toBeInstanceOf(Error)
      expect(names).toEqual([])
    },
  )

  it('is short for a circle of many classes, even the second time', async () => {
    const circle: { new (next: object): object }[] = Array.from(
      { length: 60 },
      (_, at) =>
        ({
          [`Link${at}`]: class {
            constructor(readonly next: object) {}
          },
        })[`Link${at}`]!,
    )
    for (const [at, type] of circle.entries()) {
      inject(circle[(at + 1) % circle.length]!)(type, undefined, 0)
      injectable()(type)
    }
    Worker({ group: 'circle', inject: [circle[0]!] })(
      class Svc {
        constructor(readonly first: object) {}
        workers = () => []
      },
    )
    const container = fresh()
    for (let time = 0; time < 2; time++) {
      const error = await failureOf(runGroup(container, 'circle'))
      expect(error).toBeInstanceOf(WorkerResolutionError)
      expect(error.message).toMatch(
        /parameter #0 \(next\) of class Link59: it needs Link0, .*: a circular dependency/,
      )
      expect(textIn(error)).toBeLessThan(16 * 1024)
    }
  })

  it('says that workers() must not be async, and handles its rejection', async () => {
    const rejected = vi.fn()
    process.on('unhandledRejection', rejected)
    Worker({ group: 'async' })(
      class Svc {
        workers = () => Promise.reject(new Error('late')) as never
      },
    )
    const { message } = await failureOf(runGroup(fresh(), 'async'))
    expect(message).toMatch(/got an instance of Promise; workers\(\) must not be async: await in the worker/)
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', rejected)
    expect(rejected).not.toHaveBeenCalled()
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a number', 7],
  ])('says what workers() must return if it returns %s', async (name, returned) => {
    @Worker({ group: `returns ${name}` })
    class Svc {
      workers = () => returned as Runnable[]
    }
    void Svc
    await expect(runGroup(fresh(), `returns ${name}`)).rejects.toThrow(
      /worker Svc: expected an array or other iterable as workers\(\)/,
    )
  })

  it('says if a class has no workers()', async () => {
    @Worker({ group: 'no workers' })
    class Svc {}
    void Svc
    await expect(runGroup(fresh(), 'no workers')).rejects.toThrow(
      /worker Svc: expected a class with a method workers\(\)/,
    )
  })
})
