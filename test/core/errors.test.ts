import * as runutil from 'runutil'
import { ErrWorkerExitedPrematurely, WorkerGroupError, errorIs } from 'runutil'
import { describe as group, expect, test } from 'vitest'
import { describe } from '../../packages/runutil/src/core/describe.ts'
import { messageOf, toError } from '../../packages/runutil/src/core/thrown.ts'

const { DuplicateNameError, InvalidArgumentError, InvalidDurationError } = runutil
const { ShutdownRequestedError, ShutdownTimeoutError, SiblingExitedError, WorkerResolutionError } = runutil

group('every error is a class with a name, a stable code and fields', () => {
  const cause = new Error('root')
  test.each<[Error, Record<string, unknown>]>([
    [new InvalidArgumentError('m'), { code: 'ERR_INVALID_ARGUMENT', name: 'InvalidArgumentError' }],
    [new InvalidDurationError('m'), { code: 'ERR_INVALID_DURATION', name: 'InvalidDurationError' }],
    [new DuplicateNameError('/a'), { code: 'ERR_DUPLICATE_NAME', name: 'DuplicateNameError', worker: '/a' }],
    [
      new ErrWorkerExitedPrematurely('/a'),
      { code: 'ERR_WORKER_EXITED_PREMATURELY', name: 'ErrWorkerExitedPrematurely', worker: '/a' },
    ],
    [
      new ShutdownTimeoutError(['/a', '/b'], 50),
      { code: 'ERR_SHUTDOWN_TIMEOUT', name: 'ShutdownTimeoutError', workers: ['/a', '/b'], graceMs: 50 },
    ],
    [
      new WorkerGroupError([{ worker: '/a', error: cause }]),
      { code: 'ERR_WORKER_GROUP', name: 'WorkerGroupError', errors: [cause], workers: ['/a'] },
    ],
    [
      new ShutdownRequestedError('SIGTERM'),
      { code: 'ERR_SHUTDOWN_REQUESTED', name: 'ShutdownRequestedError', signal: 'SIGTERM' },
    ],
    [
      new SiblingExitedError('/a', cause),
      { code: 'ERR_SIBLING_EXITED', name: 'SiblingExitedError', worker: '/a', cause },
    ],
    [
      new WorkerResolutionError('m', { className: 'A', parameter: '#0 (db)', cause }),
      {
        code: 'ERR_WORKER_RESOLUTION',
        name: 'WorkerResolutionError',
        className: 'A',
        parameter: '#0 (db)',
        cause,
      },
    ],
  ])('%s', (error, facts) => {
    expect(error).toBeInstanceOf(Error)
    for (const [key, value] of Object.entries(facts)) expect(error).toHaveProperty(key, value)
    expect(error.stack).toContain(error.name)
    expect(Object.keys(error)).not.toContain('name')
  })
})

test('argument errors extend TypeError and RangeError, and group errors AggregateError', () => {
  expect(new InvalidArgumentError('m')).toBeInstanceOf(TypeError)
  expect(new InvalidDurationError('m')).toBeInstanceOf(RangeError)
  expect(new WorkerGroupError([])).toBeInstanceOf(AggregateError)
})

/** As Node gives it to a connection that failed at each address. */
function refused(): Error {
  const errors = ['::1', '127.0.0.1'].map((at) => new Error(`connect ECONNREFUSED ${at}:5432`))
  return Object.assign(new AggregateError(errors), { code: 'ECONNREFUSED' })
}

test.each<[string, Error, string]>([
  [
    'is that of what it collects',
    refused(),
    'AggregateError (ECONNREFUSED): connect ECONNREFUSED ::1:5432; connect ECONNREFUSED 127.0.0.1:5432',
  ],
  [
    'is that of its cause',
    new TypeError('', { cause: new Error('', { cause: new Error('root') }) }),
    'TypeError: Error: root',
  ],
  ['has its code', Object.assign(new Error(), { code: 'E1' }), 'Error (E1) without a message'],
])('the message of an error without one %s', (_, error, message) => {
  expect(messageOf(error)).toBe(message)
  expect(new WorkerGroupError([{ worker: '/Db', error }]).message).toBe(`/Db: ${message}`)
})

test('a group names an error of which no more is known', () => {
  const { message } = new WorkerGroupError([{ worker: '/Db', error: new TypeError() }])
  expect(message).toBe('/Db: TypeError without a message')
})

test('the message of an error without one has an end, whatever it collects', () => {
  const circle = new AggregateError([])
  circle.errors.push(...Array<Error>(1_000).fill(circle))
  expect(messageOf(circle).length).toBeLessThan(2_000)
})

test('the message of a group error lists each worker with its message', () => {
  const failures = ['a', 'b'].map((name) => ({ worker: `/${name}`, error: new Error(`${name} broke`) }))
  expect(new WorkerGroupError(failures.slice(0, 1)).message).toBe('/a: a broke')
  expect(new WorkerGroupError(failures).message).toBe('/a: a broke\n/b: b broke')
})

group('errorIs', () => {
  class Sought extends Error {}
  class MoreExact extends Sought {}
  const sought = new Sought('here')
  const wrap = (cause: unknown): Error => new Error('outer', { cause })

  test.each<[string, unknown, boolean]>([
    ['the error itself', sought, true],
    ['a subclass of it', new MoreExact(), true],
    ['its cause', wrap(sought), true],
    ['a cause far down', wrap(wrap(wrap(sought))), true],
    ['one of its errors', new AggregateError([new Error('a'), sought]), true],
    ['the cause of one of its errors', new AggregateError([wrap(sought)]), true],
    ['one of the errors of its cause', wrap(new AggregateError([sought])), true],
    ['a group in a group', new AggregateError([new AggregateError([sought])]), true],
    ['the cause of a group', new AggregateError([], 'm', { cause: sought }), true],
    ['a cause in a plain object', { cause: sought }, true],
    ['another error', new Error('x', { cause: new TypeError('y') }), false],
    ['errors that are no list', Object.assign(new Error('x'), { errors: { 0: sought } }), false],
    ['a string', 'Sought', false],
    ['null', null, false],
    ['undefined', undefined, false],
  ])('checks %s', (_, error, expected) => {
    expect(errorIs(error, Sought)).toBe(expected)
  })

  test('terminates for circular causes', () => {
    const a = new Error('a')
    const b = new AggregateError([], 'b')
    a.cause = b
    b.errors.push(a, b)
    expect(errorIs(a, Sought)).toBe(false)
    b.errors.push(sought)
    expect(errorIs(a, Sought)).toBe(true)
  })

  test('terminates for a chain of 100,000 causes', () => {
    let error: Error = sought
    for (let n = 0; n < 100_000; n++) error = wrap(error)
    expect(errorIs(error, Sought)).toBe(true)
    expect(errorIs(error, TypeError)).toBe(false)
  })

  test('accepts abstract classes', () => {
    abstract class Base extends Error {}
    class Concrete extends Base {}
    expect(errorIs(wrap(new Concrete()), Base)).toBe(true)
  })
})

group('a non-Error that was thrown', () => {
  test.each([['text'], [42], [0], [null], [undefined], [{ status: 500 }], [[1, 2]], [Symbol('s')], [false]])(
    'is wrapped in an Error whose cause is %o',
    (thrown) => {
      const error = toError(thrown)
      expect(error).toBeInstanceOf(Error)
      expect('cause' in error).toBe(true)
      expect(error.cause).toBe(thrown)
      expect(error.message).toBe(`a non-Error was thrown: ${describe(thrown)}`)
    },
  )

  test('an Error is returned unchanged', () => {
    const error = new TypeError('x')
    expect(toError(error)).toBe(error)
  })
})

test.each<[unknown, string]>([
  ['x'.repeat(100), `"${'x'.repeat(80)}…"`],
  [function named() {}, 'function named'],
  [() => {}, 'function (anonymous)'],
  [5n, '5'],
  [null, 'null'],
  [Symbol('s'), 'Symbol(s)'],
  [[1, 2], 'an array of 2'],
  [{ a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 }, 'an object { a, b, c, d, e }'],
  [new Map(), 'an instance of Map'],
  [Object.create(null), 'an object {  }'],
])('a message shows %o as %s', (value, text) => {
  expect(describe(value)).toBe(text)
})
