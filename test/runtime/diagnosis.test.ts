import { inject, injectable } from 'tsyringe'
import { describe, expect, it } from 'vitest'
import { type Runnable, Worker, WorkerResolutionError } from 'runutil'
import { fresh, names, runGroup } from '../support/runtime/run-group.ts'

class Other {}

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
