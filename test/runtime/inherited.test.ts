import { EventEmitter } from 'node:events'
import { inject, injectable, singleton } from 'tsyringe'
import { describe, expect, it, test } from 'vitest'
import { Worker, WorkerResolutionError, provideWorker } from 'runutil'
import { runGroup, fresh } from '../support/runtime/run-group.ts'
import { failureOf } from '../support/outcome.ts'

class Database {}
class Cache {}

let groups = 0
const made: unknown[] = []
/** Runs a class in a group of its own, and returns its constructor arguments. */
async function madeWith(type: new (...args: never[]) => object, options: object = {}): Promise<unknown[]> {
  const group = `inherited ${groups++}`
  made.length = 0
  Worker({ group, ...options })(type as never)
  await runGroup(fresh(), group)
  return [...made]
}

abstract class Noting {
  constructor(...dependencies: unknown[]) {
    made.push(...dependencies)
  }
  workers(): [] {
    return []
  }
}

describe('a subclass without a constructor', () => {
  test('inherits the inject option of a base class at any distance', async () => {
    class Base extends Noting {
      constructor(database: Database, cache: Cache) {
        super(database, cache)
      }
    }
    Worker({ group: 'nobody', inject: [Database, Cache] })(Base)
    class Nightly extends Base {}
    class Weekly extends Nightly {
      label = 'constructor(nothing) { }'
    }
    const both = [expect.any(Database), expect.any(Cache)]
    expect(await madeWith(Nightly)).toEqual(both)
    expect(await madeWith(Weekly)).toEqual(both)
  })

  test('inherits the @inject decorators of its base class, even as a dependency', async () => {
    @injectable()
    class Base {
      readonly database: unknown
      constructor(@inject(Database) database: unknown) {
        this.database = database
      }
    }
    @singleton()
    class Derived extends Base {}
    class Plain extends Base {}
    class Holder extends Noting {
      constructor(derived: Derived, plain: Plain) {
        super(derived.database, plain.database)
      }
    }
    expect(await madeWith(Holder, { inject: [Derived, Plain] })).toEqual([
      expect.any(Database),
      expect.any(Database),
    ])
  })

  // As compilers write them for classes with fields: tsc and esbuild; swc and Babel.
  it.each<[string, (base: new (...args: never[]) => object) => new (...args: never[]) => object]>([
    [
      'arguments',
      (base) =>
        class extends base {
          constructor() {
            // eslint-disable-next-line prefer-rest-params -- as tsc writes it
            super(...(arguments as unknown as []))
          }
        },
    ],
    [
      'a rest parameter',
      (base) =>
        class extends base {
          readonly label: string
          constructor(...args: never[]) {
            super(...args)
            this.label = 'constructor(nothing) { }'
          }
        },
    ],
  ])('may have one that passes on %s', async (_, extended) => {
    class Base extends Noting {
      constructor(database: Database) {
        super(database)
      }
    }
    Worker({ group: 'nobody', inject: [Database] })(Base)
    class Compiled extends extended(Base) {}
    class Beneath extends extended(Compiled) {}
    expect(await madeWith(Beneath)).toEqual([expect.any(Database)])
    expect(await madeWith(class Own extends extended(Base) {}, { inject: [Cache] })).toEqual([
      expect.any(Cache),
    ])
  })

  test('is not one with a constructor that passes on something else', async () => {
    class Base extends Noting {
      constructor(database: unknown) {
        super(database)
      }
    }
    Worker({ group: 'nobody', inject: [Database] })(Base)
    class Own extends Base {
      constructor() {
        super('own')
      }
      inner(): unknown {
        return class extends Base {
          constructor(...args: [unknown]) {
            super(...args)
          }
        }
      }
    }
    expect(await madeWith(Own)).toEqual(['own'])
  })

  test('uses its own inject option if it has one', async () => {
    class Base extends Noting {
      constructor(database: Database) {
        super(database)
      }
    }
    Worker({ group: 'nobody', inject: [Database] })(Base)
    class Other extends Base {}
    expect(await madeWith(Other, { inject: [Cache] })).toEqual([expect.any(Cache)])
  })

  it.each<[string, () => new (...args: never[]) => object]>([
    ['are unknown', () => class Derived extends Undecorated {}],
    [
      'are unknown and all passed on',
      () =>
        class Derived extends Undecorated {
          constructor(...args: [Database]) {
            super(...args)
          }
        },
    ],
  ])('whose parameters %s fails with a WorkerResolutionError', async (_, make) => {
    class Holder extends make() {}
    const error = await failureOf<WorkerResolutionError>(madeWith(Holder))
    expect(error).toBeInstanceOf(WorkerResolutionError)
    expect(error.message).toMatch(/cannot make worker Holder: parameter #0 .*its type is unknown/)
  })

  test('is created if its base class, of Node or a library, needs no arguments', async () => {
    class Bus extends EventEmitter {}
    class Client {
      readonly options: unknown
      constructor(options?: object) {
        this.options = options
      }
    }
    class Database extends Client {}
    class Holder extends Noting {
      constructor(bus: Bus, database: Database) {
        super(bus, database)
      }
    }
    expect(await madeWith(Holder, { inject: [Bus, Database] })).toHaveLength(2)
    class Emitter extends EventEmitter {
      workers = () => []
    }
    expect(await madeWith(Emitter)).toEqual([])
  })
})

class Undecorated extends Noting {
  constructor(database: Database) {
    super(database)
  }
}

describe('provideWorker', () => {
  test('sets the parameters and the name for its container only', async () => {
    class Consumer extends Noting {
      constructor(database: object, cache: Cache) {
        super(database, cache)
      }
    }
    const one = fresh()
    const other = fresh()
    provideWorker(one, Consumer, { inject: [Database, Cache], group: 'provided', name: 'One' })
    provideWorker(other, Consumer, { inject: [Cache, Cache], group: 'provided' })
    for (const [container, first] of [
      [one, Database],
      [other, Cache],
    ] as const) {
      made.length = 0
      await runGroup(container, 'provided')
      expect(made).toEqual([expect.any(first), expect.any(Cache)])
    }
  })

  test('rejects invalid options', async () => {
    class Consumer extends Noting {
      constructor(database: Database) {
        super(database)
      }
    }
    const container = fresh()
    expect(() => provideWorker(container, Consumer, { inject: [] as never })).toThrow(
      /provideWorker: inject: expected a token for each constructor parameter of Consumer \(database\)/,
    )
    expect(() => provideWorker(container, Consumer, { injekt: [] } as never)).toThrow(/did you mean 'inject'/)
    expect(() => provideWorker(container, Consumer, { name: '' })).toThrow(/provideWorker: name: expected/)
    provideWorker(container, Consumer, { inject: ['dsn'], group: 'missing' })
    const error = await failureOf<WorkerResolutionError>(runGroup(container, 'missing'))
    expect(error.message).toMatch(
      /parameter #0 \(database\) of class Consumer: nothing is registered under 'dsn'/,
    )
  })

  test('and @Worker are checked against the constructor by the compiler', () => {
    class Consumer {
      constructor(
        readonly database: { url: string },
        readonly retries: number,
      ) {}
      workers = () => []
    }
    class Url {
      url = ''
    }
    const container = fresh()
    const none = (): void => {
      provideWorker(container, Consumer, { inject: [Url, 'retries'] })
      Worker({ inject: [Url, 'retries'] })(Consumer)
      // @ts-expect-error -- a Cache has no url
      provideWorker(container, Consumer, { inject: [Cache, 'retries'] })
      // @ts-expect-error -- a token is missing
      provideWorker(container, Consumer, { inject: [Url] })
      // @ts-expect-error -- a Cache has no url
      Worker({ inject: [Cache, 'retries'] })(Consumer)
      // @ts-expect-error -- there is a token too many
      Worker({ inject: [Url, 'retries', Cache] })(Consumer)
    }
    expect(none).toBeTypeOf('function')
  })
})
