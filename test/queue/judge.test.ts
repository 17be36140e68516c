import assert from 'node:assert'
import { InvalidArgumentError } from 'runutil'
import { type Outcome, DeadlineExceededError, RetryableError } from 'runutil/queue'
import { describe, expect, it, test } from 'vitest'
import type { ClaimedJob } from 'runutil/queue'
import { judge, judgeCrashes } from '../../packages/runutil/src/queue/judge.ts'

const AGAIN = { status: 'PENDING', counted: true } as const

class DeclinedError extends Error {}
class OddError extends TypeError {}

describe('an attempt that returned', () => {
  test.each<[string, unknown, Outcome]>([
    ['nothing is DONE', undefined, { status: 'DONE' }],
    ['null is DONE', null, { status: 'DONE', result: 'null' }],
    ['a value is DONE', { a: [1] }, { status: 'DONE', result: '{"a":[1]}' }],
  ])('%s', (_, value, outcome) => {
    expect(judge({ kind: 'returned', value })).toEqual(outcome)
  })

  test.each<[string, unknown, string]>([
    ['an Error', new Error('x'), 'panic: result: expected a JSON value; got an instance of Error'],
    ['a function', () => {}, 'panic: result: expected a JSON value; got function'],
    ['a BigInt', 1n, 'panic: result: expected a JSON value; Do not know how to serialize a BigInt'],
    ['NaN within', { a: NaN }, 'panic: result.a: expected a JSON value; got NaN'],
    [
      'what its toJSON refuses',
      { toJSON: () => assert.fail('no') },
      'panic: result: expected a JSON value; no',
    ],
  ])('%s, which is no JSON, is PANIC', (_, value, lastError) => {
    const outcome = judge({ kind: 'returned', value })
    expect(outcome).toMatchObject({ status: 'PANIC' })
    expect((outcome as { lastError: string }).lastError).toContain(lastError)
  })
})

describe('an attempt that threw', () => {
  test.each<[string, unknown, Outcome]>([
    ['an Error is FAILED', new Error('no disk'), { status: 'FAILED', lastError: 'no disk' }],
    ['an Error of its own kind is FAILED', new DeclinedError('no'), { status: 'FAILED', lastError: 'no' }],
    ['an Error without a message is FAILED', new Error(), { status: 'FAILED', lastError: '' }],
    [
      "an abort that isn't its own is FAILED",
      new DOMException('x', 'AbortError'),
      { status: 'FAILED', lastError: 'x' },
    ],
    ['a TypeError is PANIC', new TypeError('x'), { status: 'PANIC', lastError: 'panic: TypeError: x' }],
    [
      'a kind of TypeError is PANIC',
      new OddError('x'),
      { status: 'PANIC', lastError: 'panic: TypeError: x' },
    ],
    [
      'a ReferenceError is PANIC',
      new ReferenceError('x'),
      { status: 'PANIC', lastError: 'panic: ReferenceError: x' },
    ],
    ['a RangeError is PANIC', new RangeError('x'), { status: 'PANIC', lastError: 'panic: RangeError: x' }],
    ['a SyntaxError is PANIC', new SyntaxError('x'), { status: 'PANIC', lastError: 'panic: SyntaxError: x' }],
    [
      'an AssertionError is PANIC',
      new assert.AssertionError({ message: 'x' }),
      { status: 'PANIC', lastError: 'panic: AssertionError: x' },
    ],
    [
      'a wrong argument is PANIC',
      new InvalidArgumentError('x'),
      { status: 'PANIC', lastError: 'panic: InvalidArgumentError: x' },
    ],
    ['a text is PANIC', 'x', { status: 'PANIC', lastError: 'panic: a non-Error was thrown: "x"' }],
    [
      'nothing is PANIC',
      undefined,
      { status: 'PANIC', lastError: 'panic: a non-Error was thrown: undefined' },
    ],
    ['null is PANIC', null, { status: 'PANIC', lastError: 'panic: a non-Error was thrown: null' }],
    [
      'a RetryableError is to be run again, after 5 s',
      new RetryableError(),
      { ...AGAIN, lastError: 'retryable-error: to be retried', delayMs: 5_000 },
    ],
    [
      'a RetryableError that is in a hurry waits 5 s',
      new RetryableError({ cause: new Error('busy'), retryAfter: 10 }),
      { ...AGAIN, lastError: 'retryable-error: busy', delayMs: 5_000 },
    ],
    [
      "a RetryableError that isn't waits for what it says",
      new RetryableError({ cause: 'busy', retryAfter: '1h' }),
      { ...AGAIN, lastError: 'retryable-error: busy', delayMs: 3_600_000 },
    ],
  ])('%s', (_, error, outcome) => {
    expect(judge({ kind: 'threw', error, stopped: false })).toEqual(outcome)
  })

  test.each<[string, unknown, string]>([
    ['an Error', new Error('stopped'), 'aborted: stopped'],
    ['a TypeError', new TypeError('terminated'), 'aborted: terminated'],
    ['a text', 'stopped', 'aborted: "stopped"'],
  ])('%s after it was told to stop is to be run again after 5 s', (_, error, lastError) => {
    expect(judge({ kind: 'threw', error, stopped: true })).toEqual({ ...AGAIN, lastError, delayMs: 5_000 })
  })

  it('a RetryableError after it was told to stop waits for what it says', () => {
    const error = new RetryableError({ retryAfter: '1m' })
    expect(judge({ kind: 'threw', error, stopped: true })).toMatchObject({ ...AGAIN, delayMs: 60_000 })
  })

  test.each([
    ['NUL', 'a\0b', 'a\\0b'],
    ['half of a pair', 'a\ud83cb', 'a\ufffdb'],
    ['a million characters', 'x'.repeat(1e6), 'x'.repeat(65_536)],
    ['a million characters of three bytes', '€'.repeat(1e6), '€'.repeat(21_845)],
    ['a pair that is cut in two', 'x'.repeat(65_535) + '🎉', 'x'.repeat(65_535)],
  ])('what a store can keep is kept of a message with %s', (_, message, lastError) => {
    const error = new Error(message)
    expect(judge({ kind: 'threw', error, stopped: false })).toEqual({ status: 'FAILED', lastError })
  })
})

describe('other ends', () => {
  it("a payload or result that doesn't fit is PANIC", () => {
    expect(judge({ kind: 'mismatch', what: 'payload', issues: 'a: too short' })).toEqual({
      status: 'PANIC',
      lastError: `panic: payload doesn't fit the schema: a: too short`,
    })
  })

  it('an exceeded deadline is FAILED', () => {
    const error = new DeadlineExceededError(1_500)
    expect(judge({ kind: 'overdue', error })).toEqual({
      status: 'FAILED',
      lastError: 'the deadline of 1500 ms was exceeded',
    })
  })

  test.each([
    [0, 0, undefined],
    [3, 3, undefined],
    [1, 0, 'PANIC'],
    [4, 3, 'PANIC'],
  ])('%i crashes where %i are allowed: %s', (crashes, maxCrashes, status) => {
    expect(judgeCrashes({ crashes } as ClaimedJob, maxCrashes)?.status).toBe(status)
  })
})
