import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { AsyncScope, importScope } from './async-scope.ts'

/**
 * An AsyncScope for repeated calls: stores that one call enters by `enterWith` are not visible in the next one.
 *
 * With the AsyncContextFrame of Node 24, each call begins in the original stores anyway. Before, a scope keeps entered stores, so
 * each call gets a copy of the scope: a new AsyncResource takes 240 ns on Node 20, a copy of its properties 40 ns.
 */
export class FreshScope extends AsyncScope {
  #properties: readonly PropertyKey[] | undefined
  #values: readonly unknown[] = []

  override run<T>(body: () => T): T {
    return this.call(callBody<T>, body)
  }

  override call<T, C>(body: (caller: C) => T, caller: C): T {
    if (way === 'restores') return super.call(body, caller)
    if (way === 'nests') return super.call(() => new AsyncScope().call(body, caller), undefined)
    if (this.#properties === undefined) {
      this.#properties = Reflect.ownKeys(this)
      this.#values = this.#properties.map((key) => (this as Record<PropertyKey, unknown>)[key])
    }
    return callIn(copyOf(this.#properties, this.#values), body, caller)
  }
}

/**
 * A FreshScope for calls that each enter `own` first. Where the current code has no other stores, it is one without any, shared by
 * all: on Node 24, entering a store copies all others, which costs 100 ns, and a scope has 64 bytes.
 */
export function freshScopeBeside(own: AsyncLocalStorage<unknown>): FreshScope {
  const scope = new FreshScope()
  return bare !== undefined && holdsOnly(scope, own) ? bare : scope
}

/** Whether a scope holds that store and no other. What it holds is undocumented: `tryBare` tries it. */
function holdsOnly(scope: AsyncScope, own: AsyncLocalStorage<unknown>): boolean {
  const stores = Reflect.ownKeys(scope).filter((key) => !isBare(scope, key))
  if (stores.length === 0) return true
  const value = valueOf(scope, stores[0]!)
  // Node 20 has a property for each store, Node 24 a map of all stores.
  return stores.length === 1 && (value === own.getStore() || isMapOf(value, own))
}

/** Whether the property is one that a scope has without stores: its ids. */
function isBare(scope: AsyncScope, key: PropertyKey): boolean {
  const value = valueOf(scope, key)
  return value === undefined || (Object.hasOwn(importScope, key) && typeof value === 'number')
}

function isMapOf(value: unknown, own: AsyncLocalStorage<unknown>): boolean {
  const { size, has } = (value ?? {}) as Partial<ReadonlyMap<unknown, unknown>>
  return size === 1 && typeof has === 'function' && has.call(value, own)
}

function valueOf(scope: AsyncScope, key: PropertyKey): unknown {
  return (scope as unknown as Record<PropertyKey, unknown>)[key]
}

function callIn<T, C>(resource: AsyncResource, body: (caller: C) => T, caller: C): T {
  return AsyncResource.prototype.runInAsyncScope.call(resource, body, undefined, caller) as T
}

function callBody<T>(body: () => T): T {
  return body()
}

/** Stands in for a scope as the resource of async hooks: its ids and stores are properties under symbols. */
class ScopeCopy {
  constructor(keys: readonly PropertyKey[], values: readonly unknown[]) {
    const self = this as Record<PropertyKey, unknown>
    const { length } = keys
    // Unrolled: V8 writes faster where a line always writes the same key.
    if (length > 0) self[keys[0]!] = values[0]
    if (length > 1) self[keys[1]!] = values[1]
    if (length > 2) self[keys[2]!] = values[2]
    if (length > 3) self[keys[3]!] = values[3]
    if (length > 4) self[keys[4]!] = values[4]
    if (length > 5) self[keys[5]!] = values[5]
    for (let at = 6; at < length; at++) self[keys[at]!] = values[at]
  }
}

function copyOf(keys: readonly PropertyKey[], values: readonly unknown[]): AsyncResource {
  return new ScopeCopy(keys, values) as AsyncResource
}

/** How this runtime gives a call fresh stores: determined by trial, because the layout of a resource is undocumented. */
const way = tryWays()

function tryWays(): 'restores' | 'copies' | 'nests' {
  const storage = new AsyncLocalStorage<number>()
  const other = new AsyncLocalStorage<number>()
  try {
    const scope = storage.run(1, () => new AsyncScope())
    const enter = (): unknown[] => {
      const found = [storage.getStore(), other.getStore()]
      storage.enterWith(2)
      other.enterWith(2)
      return found
    }
    const keys = Reflect.ownKeys(scope)
    const values = keys.map((key) => (scope as unknown as Record<PropertyKey, unknown>)[key])
    const inCopy = (): unknown[] => callIn(copyOf(keys, values), enter, undefined)
    const copies = isFresh(inCopy) && isFresh(inCopy)
    const again = (): unknown[] => scope.run(enter)
    if (isFresh(again) && isFresh(again)) return 'restores'
    return copies ? 'copies' : 'nests'
  } finally {
    storage.disable()
    other.disable()
  }
}

/** A scope without stores; undefined where it can't be told which stores a scope holds. */
const bare = tryBare()

function tryBare(): FreshScope | undefined {
  const scope = importScope.run(() => new FreshScope())
  const own = new AsyncLocalStorage<object>()
  const other = new AsyncLocalStorage<unknown>()
  const made = (): AsyncScope => new AsyncScope()
  try {
    const alone = own.run({}, () => holdsOnly(made(), own))
    const others = [1, {}, undefined, 'text'].map((store) =>
      own.run({}, () => other.run(store, () => holdsOnly(made(), own))),
    )
    const isTold = alone && others.every((only, at) => !only || at === 2)
    return isTold && Reflect.ownKeys(scope).every((key) => isBare(scope, key)) ? scope : undefined
  } catch {
    return undefined
  } finally {
    own.disable()
    other.disable()
  }
}

function isFresh(call: () => unknown[]): boolean {
  try {
    const [kept, entered] = call()
    return kept === 1 && entered === undefined
  } catch {
    return false
  }
}
