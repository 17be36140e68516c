/** Thrown and returned values that are hard to read: a name and a factory. No module may fail while it handles one. */
export const oddErrors: readonly [name: string, make: () => unknown][] = [
  ['an error whose message is an object', () => withMessage({ code: 'card_declined' })],
  ['an error whose message is a symbol', () => withMessage(Symbol('declined'))],
  ['an error whose message is undefined', () => withMessage(undefined)],
  ['an error whose message is bytes', () => withMessage(new Uint8Array(2 ** 20))],
  ['an error whose message has no text of its own', () => withMessage(Object.create(null))],
  ['an error whose message is read once', () => readOnce('message')],
  ['an error all of whose properties throw', () => throwing(new Error('hidden'))],
  ['an error whose name and stack are symbols', () => Object.assign(new Error('x'), odd(['name', 'stack']))],
  ['an error whose cause throws', () => getter(new Error('x'), 'cause')],
  ['an error that is its own cause', () => circle()],
  ['an error with a new cause each time', () => endless()],
  ['an error with a million errors', () => new AggregateError(new Array(1e6).fill(new Error('x')), 'many')],
  ['an error whose errors throw', () => getter(new Error('x'), 'errors')],
  ['a proxy of an error that was revoked', () => revoked(new Error('x'))],
  ['a proxy of a function that was revoked', () => revoked(() => {})],
  ['a proxy whose traps all throw', () => new Proxy(new Error('x'), refusing())],
  ['a frozen error', () => Object.freeze(new Error('x'))],
  ['an object with a code', () => ({ code: 'declined' })],
  ['an object without a prototype', () => Object.create(null) as unknown],
  ['an object whose constructor throws', () => getter({}, 'constructor')],
  ['a symbol', () => Symbol('x')],
  ['nothing', () => undefined],
  ['a long text', () => 'x'.repeat(1e6)],
  ['a megabyte', () => new Uint8Array(2 ** 20)],
]

/** Results of handlers that are not JSON, or not what they seem. */
export const oddResults: readonly [name: string, make: () => unknown][] = [
  ['a thenable that throws', () => ({ then: () => raise() })],
  ['a thenable whose then throws when it is read', () => getter({}, 'then')],
  ['a promise whose then was replaced', () => Object.assign(Promise.resolve(), { then: () => raise() })],
  ['a promise whose then gives nothing', () => Object.assign(Promise.resolve(), { then: () => {} })],
  ['a thenable that rejects with a revoked proxy', () => ({ then: rejecting() })],
  ['an object whose toJSON throws a revoked proxy', () => ({ toJSON: () => raise(revoked({})) })],
  ['an object whose toJSON gives bytes', () => ({ toJSON: () => new Uint8Array(2 ** 20) })],
  ['an object whose property throws', () => ({ a: getter({}, 'b') })],
  ['a revoked proxy', () => revoked({})],
  ['a proxy whose traps all throw', () => new Proxy({}, refusing())],
  ['a circle', () => circle()],
  ['a wide circle', () => wideCircle()],
  ['bytes, deep inside', () => nested(300, Buffer.alloc(2 ** 20))],
]

function withMessage(message: unknown): Error {
  return Object.assign(new Error('x'), { message })
}

function odd(names: string[]): object {
  return Object.fromEntries(names.map((name) => [name, Symbol(name)]))
}

function raise(error: unknown = new Error('read')): never {
  throw error
}

function getter<T extends object>(of: T, name: string): T {
  return Object.defineProperty(of, name, { get: () => raise(), enumerable: true })
}

function readOnce(name: string): Error {
  let reads = 0
  return Object.defineProperty(new Error('x'), name, { get: () => (reads++ === 0 ? 'once' : raise()) })
}

function throwing(error: Error): Error {
  for (const name of ['stack', 'message', 'name', 'cause', 'errors', 'code', 'worker']) getter(error, name)
  return error
}

function circle(): Error {
  const error = new Error('x')
  return Object.assign(error, { cause: error, errors: [error], self: { error } })
}

function wideCircle(): object {
  const all: Record<string, unknown> = {}
  for (let at = 0; at < 10; at++) all[`a${at}`] = all
  return all
}

function endless(): Error {
  return Object.defineProperty(new Error('x'), 'cause', { get: endless })
}

function revoked(target: object): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

function refusing(): ProxyHandler<object> {
  const traps = [
    'get',
    'has',
    'ownKeys',
    'getPrototypeOf',
    'defineProperty',
    'getOwnPropertyDescriptor',
    'isExtensible',
  ]
  return Object.fromEntries(traps.map((trap) => [trap, () => raise()]))
}

function rejecting() {
  return (_: unknown, reject: (error: unknown) => void): void => reject(revoked(new Error('x')))
}

function nested(depth: number, inmost: unknown): unknown {
  let value = inmost
  for (let level = 0; level < depth; level++) value = { a: value }
  return value
}
