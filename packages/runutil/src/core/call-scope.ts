import { AsyncLocalStorage, type AsyncResource } from 'node:async_hooks'
import { AsyncScope, importScope } from './async-scope.ts'
import { FreshScope, callIn, way } from './fresh-scope.ts'

/**
 * For repeated calls that each have a store of their own, beside the stores in which the scope was created. Stores that one call
 * enters by `enterWith` are not visible in the next one.
 */
export class CallScope<S> {
  readonly #own: AsyncLocalStorage<S>
  readonly #scope: AsyncScope
  readonly #Resource: ResourceWith<S> | undefined

  constructor(own: AsyncLocalStorage<S>, scope: AsyncScope, Resource?: ResourceWith<S>) {
    this.#own = own
    this.#scope = scope
    this.#Resource = Resource
  }

  call<T, C>(store: S, body: (caller: C, store: S) => T, caller: C): T {
    if (this.#Resource !== undefined) return callIn(new this.#Resource(store), body, caller, store)
    if (way === 'restores')
      return this.#scope.runInAsyncScope(enterAndCall<S, T, C>, undefined, this.#own, store, body, caller)
    return this.#scope.run(() => enterAndCall(this.#own, store, body, caller))
  }
}

function enterAndCall<S, T, C>(
  own: AsyncLocalStorage<S>,
  store: S,
  body: (caller: C, store: S) => T,
  caller: C,
): T {
  // Cheaper than running within it: the scope around this call ends anyway.
  own.enterWith(store)
  return body(caller, store)
}

/**
 * Creates scopes of calls that each have a store in `own`. Where the current code has no other stores, it is one without any, shared
 * by all: on Node 24, entering a store copies all others, which costs 100 ns, and a scope has 64 bytes.
 */
export function callScopes<S>(own: AsyncLocalStorage<S>): () => CallScope<S> {
  let shared: CallScope<S> | undefined
  return () => {
    const scope = new FreshScope()
    if (bare === undefined || !holdsOnly(scope, own)) return new CallScope(own, scope)
    // Not at import: from its first store on, Node 20 calls hooks for each promise of the process.
    return (shared ??= new CallScope(own, bare, way === 'copies' ? tryResource(own, bare) : undefined))
  }
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
  return valueOf(scope, key) === undefined || isId(scope, key)
}

function isId(scope: AsyncScope, key: PropertyKey): boolean {
  return Object.hasOwn(importScope, key) && typeof valueOf(scope, key) === 'number'
}

function isMapOf(value: unknown, own: AsyncLocalStorage<unknown>): boolean {
  const { size, has } = (value ?? {}) as Partial<ReadonlyMap<unknown, unknown>>
  return size === 1 && typeof has === 'function' && has.call(value, own)
}

function valueOf(scope: object, key: PropertyKey): unknown {
  return (scope as Record<PropertyKey, unknown>)[key]
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

/** Stands in for a scope without stores as the resource of async hooks, with a store of its own. */
type ResourceWith<S> = new (store: S) => AsyncResource

/**
 * On Node 20 such a resource costs 15 ns, where a copy of the scope that enters the store costs 30. Undefined where a resource isn't
 * told its stores by properties.
 */
function tryResource<S>(own: AsyncLocalStorage<S>, scope: AsyncScope): ResourceWith<S> | undefined {
  const marker = {} as S
  const tried = importScope.run(() => new AsyncScope())
  tried.run(() => own.enterWith(marker))
  const key = Reflect.ownKeys(tried).find((key) => valueOf(tried, key) === marker)
  const ids = Reflect.ownKeys(scope).filter((key) => isId(scope, key))
  if (key === undefined || ids.length !== 2) return undefined
  const [idKey, triggerKey] = ids as [symbol, symbol]
  const [id, trigger] = ids.map((key) => valueOf(scope, key))
  // Not in a loop, and the names not in an array: V8 writes faster where a line always writes the same key.
  class Resource {
    constructor(store: S) {
      const self = this as Record<PropertyKey, unknown>
      self[idKey] = id
      self[triggerKey] = trigger
      self[key!] = store
    }
  }
  const Tried = Resource as unknown as ResourceWith<S>
  return isRight(Tried, own) ? Tried : undefined
}

/** Whether code in such a resource finds the store, and none that code in an earlier one has entered. */
function isRight<S>(Resource: ResourceWith<S>, own: AsyncLocalStorage<S>): boolean {
  const other = new AsyncLocalStorage<true>()
  const isFound = (store: S): boolean => {
    const isFresh = other.getStore() === undefined
    other.enterWith(true)
    return isFresh && own.getStore() === store
  }
  try {
    return [{} as S, {} as S].every((store) => callIn(new Resource(store), isFound, store, undefined))
  } catch {
    return false
  } finally {
    other.disable()
  }
}
