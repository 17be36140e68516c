import { AsyncLocalStorage } from 'node:async_hooks'
import { type Clock, systemClock, wait } from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import { AsyncScope } from '../../packages/runutil/src/core/async-scope.ts'
import { CallBatcher } from '../../packages/runutil/src/core/call-batcher.ts'
import { FreshScope, freshScopeBeside } from '../../packages/runutil/src/core/fresh-scope.ts'
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

describe('an async context for calls that enter a store of their own', () => {
  const own = new AsyncLocalStorage<string>()

  test('is one for all where there are no other stores', () => {
    const shared = freshScopeBeside(own)
    expect(own.run('of the worker', () => freshScopeBeside(own))).toBe(shared)
    expect(shared.run(() => own.getStore())).toBeUndefined()
  })

  test.each(['text', '', 1, 0, null, true, Symbol('store')])('keeps another store, such as %s', (value) => {
    const other = new AsyncLocalStorage<unknown>()
    const kept = other.run(value, () => own.run('of the worker', () => freshScopeBeside(own)))
    const seen: unknown[] = []
    for (let n = 0; n < 3; n++) {
      kept.run(() => {
        own.enterWith(`of run ${n}`)
        seen.push(other.getStore(), own.getStore())
        other.enterWith('entered')
      })
    }
    expect(seen).toEqual([value, 'of run 0', value, 'of run 1', value, 'of run 2'])
    expect([own.getStore(), other.getStore()]).toEqual([undefined, undefined])
  })

  test('keeps another store of the same value as its own', () => {
    const other = new AsyncLocalStorage<string>()
    const kept = own.run('same', () => other.run('same', () => freshScopeBeside(own)))
    kept.run(() => own.enterWith('changed'))
    expect(kept.run(() => other.getStore())).toBe('same')
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
