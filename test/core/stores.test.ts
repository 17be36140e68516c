import { AsyncLocalStorage } from 'node:async_hooks'
import { type Clock, systemClock, wait } from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import { AsyncScope } from '../../packages/runutil/src/core/async-scope.ts'
import { CallBatcher } from '../../packages/runutil/src/core/call-batcher.ts'
import { callScopes } from '../../packages/runutil/src/core/call-scope.ts'
import { FreshScope } from '../../packages/runutil/src/core/fresh-scope.ts'
import { linkedController } from '../../packages/runutil/src/core/linked-controller.ts'

const storage = new AsyncLocalStorage<string>()
const store = (): string | undefined => storage.getStore()

describe('a captured async context', () => {
  test('has the stores that were current when it was captured', () => {
    const kept = storage.run('a', () => new AsyncScope())
    expect(storage.run('b', () => kept.run(store))).toBe('a')
    expect(store()).toBeUndefined()
  })

  test('does not pass on to the next call what one call has entered, even into a store that was empty', () => {
    const other = new AsyncLocalStorage<string>()
    const kept = storage.run('a', () => new FreshScope())
    const seen: unknown[] = []
    for (let n = 0; n < 3; n++) {
      kept.run(() => {
        seen.push([store(), other.getStore()])
        storage.enterWith('entered')
        other.enterWith('entered')
      })
    }
    expect(seen).toEqual(Array.from({ length: 3 }, () => ['a', undefined]))
    expect([store(), other.getStore()]).toEqual([undefined, undefined])
  })

  test('applies to everything that a call awaits and starts, for any number of stores', async () => {
    const many = Array.from({ length: 12 }, () => new AsyncLocalStorage<number>())
    const stores = (): unknown[] => many.map((each) => each.getStore())
    const within = many.reduce<() => FreshScope>(
      (make, each, at) => () => each.run(at, make),
      () => new FreshScope(),
    )
    const kept = within()
    const expected = many.map((_, at) => at)
    for (let n = 0; n < 3; n++) {
      const seen = await kept.run(async () => {
        const begun = stores()
        await Promise.resolve()
        const awaited = stores()
        const timed = await new Promise((resolve) => setTimeout(() => resolve(stores()), 1))
        for (const each of many) each.enterWith(-1)
        return { begun, awaited, timed }
      })
      expect(seen).toEqual({ begun: expected, awaited: expected, timed: expected })
    }
    expect(stores()).toEqual(many.map(() => undefined))
  })
})

describe('an async context for calls that each have a store of their own', () => {
  const own = new AsyncLocalStorage<string>()
  const scopeOfCalls = callScopes(own)

  test('is one for all where there are no other stores', () => {
    const shared = scopeOfCalls()
    expect(own.run('of the worker', scopeOfCalls)).toBe(shared)
    expect(own.run('of the caller', () => shared.call('of the call', () => own.getStore(), undefined))).toBe(
      'of the call',
    )
    expect(own.getStore()).toBeUndefined()
  })

  test('has the store in everything that a call awaits and starts', async () => {
    const other = new AsyncLocalStorage<string>()
    for (const scope of [scopeOfCalls(), other.run('other', scopeOfCalls)]) {
      const seen = await Promise.all(
        ['a', 'b'].map((name) =>
          scope.call(
            name,
            async () => {
              await Promise.resolve()
              const awaited = own.getStore()
              await new Promise((resolve) => setTimeout(resolve, 1))
              return [awaited, own.getStore()]
            },
            undefined,
          ),
        ),
      )
      expect(seen).toEqual([
        ['a', 'a'],
        ['b', 'b'],
      ])
    }
  })

  test.each([undefined, 'text', '', 1, 0, null, true, Symbol('store')])(
    'keeps another store, such as %s, and nothing that a call enters',
    (value) => {
      const other = new AsyncLocalStorage<unknown>()
      const kept = other.run(value, () => own.run('of the worker', scopeOfCalls))
      const seen: unknown[] = []
      for (let n = 0; n < 3; n++) {
        const enter = (): void => {
          seen.push(other.getStore(), own.getStore())
          other.enterWith('entered')
          own.enterWith('entered')
        }
        kept.call(`of run ${n}`, enter, undefined)
      }
      expect(seen).toEqual([value, 'of run 0', value, 'of run 1', value, 'of run 2'])
      expect([own.getStore(), other.getStore()]).toEqual([undefined, undefined])
    },
  )

  test('keeps another store of the same value as its own', () => {
    const other = new AsyncLocalStorage<string>()
    const kept = own.run('same', () => other.run('same', scopeOfCalls))
    expect(kept.call('changed', () => [own.getStore(), other.getStore()], undefined)).toEqual([
      'changed',
      'same',
    ])
  })
})

/** The stores in which timers call back that were set in two others, while time is advanced in a third. */
async function storesOfTimers(clock: Clock, passes: () => Promise<unknown>): Promise<unknown[]> {
  const seen: unknown[] = []
  for (const name of ['a', 'b']) {
    storage.run(name, () => clock.setTimeout(() => seen.push([name, store()]), 5))
    storage.run(name, () => clock.setTimeout(() => seen.push([`${name}, at once`, store()]), 0))
  }
  const again = storage.run('c', () => clock.setTimeout(() => seen.push(['c', store()]), 10_000))
  storage.run('d', () => again.restartAt(clock.elapsed() + 5))
  await storage.run('another', passes)
  return seen
}

describe('a timer calls back in the async context in which it was first set', () => {
  const expected = [
    ['a, at once', 'a'],
    ['b, at once', 'b'],
    ['a', 'a'],
    ['b', 'b'],
    ['c', 'c'],
  ]

  test('on the system clock, where one native timer serves all', async () => {
    const seen = await storesOfTimers(systemClock, () => wait(20))
    expect(seen).toHaveLength(5)
    expect(seen).toEqual(expect.arrayContaining(expected))
  })

  test('on a virtual clock', async () => {
    const clock = new VirtualClock()
    expect(await storesOfTimers(clock, () => clock.advance(20))).toEqual(expected)
  })
})

describe('a linked controller', () => {
  test.each([
    ['directly', (_: AbortController, child: { abort(reason: unknown): void }) => child.abort('over')],
    ['by its parent', (parent: AbortController) => parent.abort('over')],
  ])('that is aborted %s calls its listeners in the async context in which it was created', (_, abort) => {
    const parent = new AbortController()
    const child = storage.run('own', () => linkedController(parent.signal))
    const seen: unknown[] = []
    child.signal.addEventListener('abort', () => seen.push(store()))
    storage.run('of the caller', () => abort(parent, child))
    expect(seen).toEqual(['own'])
  })
})

describe('a batcher', () => {
  test('makes its calls in the async context in which it was created, not in that of a caller', async () => {
    const seen: unknown[] = []
    const run = async (calls: readonly string[]): Promise<readonly string[]> => {
      seen.push([[...calls], store()])
      await wait(1)
      return calls
    }
    const batcher = storage.run('own', () => new CallBatcher<string, string>(run))
    const call = (name: string): Promise<string> => storage.run(name, () => batcher.call(name))
    const first = [call('a'), call('b')]
    await first[0]
    await Promise.all([...first, call('c')])
    expect(seen).toEqual([
      [['a', 'b'], 'own'],
      [['c'], 'own'],
    ])
  })
})
