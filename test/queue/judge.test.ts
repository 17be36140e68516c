import assert from 'node:assert'
import { InvalidArgumentError } from 'runutil'
import { type Outcome, DeadlineExceededError, RetryableError } from 'runutil/queue'
import { describe, expect, it, test } from 'vitest'
import type { ClaimedJob } from 'runutil/queue'
import { judge as judgeWith, judgeCrashes } from '../../packages/runutil/src/queue/judge.ts'
import type { HandlerResult } from '../../packages/runutil/src/queue/perform.ts'
import { NO_RETRIES, type RetryPolicy } from '../../packages/runutil/src/queue/retry-policy.ts'

const AGAIN = { status: 'PENDING', counted: true } as const

/** Judges the end of an attempt, by default the first, of a kind with this policy. */
function judge(result: HandlerResult, retries: Partial<RetryPolicy> = {}, attempt = 1): Outcome {
  const job = { id: '1', kind: 'a', attempt, isLastAttempt: false } as ClaimedJob
  return judgeWith(result, { job, retries: { ...NO_RETRIES, ...retries } })
}

function threw(error: unknown, stopped = false): HandlerResult {
  return { kind: 'threw', error, stopped }
}

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
      'the network error of fetch is FAILED',
      new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) }),
      { status: 'FAILED', lastError: 'fetch failed' },
    ],
    [
      'a TypeError whose cause has no code is PANIC',
      new TypeError('x', { cause: Object.assign(new Error('y'), { code: 5 }) }),
      { status: 'PANIC', lastError: 'panic: TypeError: x' },
    ],
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
    expect(judge({ kind: 'threw', error, stopped: true })).toEqual({
      ...AGAIN,
      lastError,
      delayMs: 5_000,
      stopped: true,
    })
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

/** Waits 100 ms for each attempt that was made. */
const backoff = { duration: (attempt: number) => attempt * 100 }
const failure = new Error('no disk')
const bug = new TypeError('x')
const overdue = { kind: 'overdue', error: new DeadlineExceededError(5) } as const

describe('a kind with a retry policy', () => {
  test.each<[string, HandlerResult, Partial<RetryPolicy>, number, Outcome]>([
    [
      'an error before the last attempt is tried again after the backoff of its attempt',
      threw(failure),
      { attempts: 3 },
      2,
      { ...AGAIN, lastError: 'no disk', delayMs: 200 },
    ],
    [
      'the last error is FAILED',
      threw(failure),
      { attempts: 3 },
      3,
      { status: 'FAILED', lastError: 'no disk' },
    ],
    [
      'an error after more attempts is FAILED',
      threw(failure),
      { attempts: 3 },
      7,
      { status: 'FAILED', lastError: 'no disk' },
    ],
    [
      'a panic is final',
      threw(bug),
      { attempts: 3 },
      1,
      { status: 'PANIC', lastError: 'panic: TypeError: x' },
    ],
    [
      'a panic that retryIf is true for is tried again',
      threw(bug),
      { attempts: 3, retryIf: (error) => error === bug },
      1,
      { ...AGAIN, lastError: 'panic: TypeError: x', delayMs: 100 },
    ],
    [
      'an error that retryIf is false for is FAILED',
      threw(failure),
      { attempts: 3, retryIf: () => false },
      1,
      { status: 'FAILED', lastError: 'no disk' },
    ],
    [
      'only true counts as true',
      threw(failure),
      { attempts: 3, retryIf: () => 'yes' as unknown as boolean },
      1,
      { status: 'FAILED', lastError: 'no disk' },
    ],
    [
      'a panic at the last attempt is PANIC, whatever retryIf would say',
      threw(bug),
      { attempts: 3, retryIf: () => true },
      3,
      { status: 'PANIC', lastError: 'panic: TypeError: x' },
    ],
    [
      'a deadline is an ordinary error',
      overdue,
      { attempts: 2 },
      1,
      { ...AGAIN, lastError: 'the deadline of 5 ms was exceeded', delayMs: 100 },
    ],
    [
      'retryIf decides on a deadline',
      overdue,
      { attempts: 2, retryIf: (error) => !(error instanceof DeadlineExceededError) },
      1,
      { status: 'FAILED', lastError: 'the deadline of 5 ms was exceeded' },
    ],
    [
      'retryIf decides on a payload that does not fit',
      { kind: 'mismatch', what: 'payload', issues: 'a: too short' },
      { attempts: 2, retryIf: () => true },
      1,
      { ...AGAIN, lastError: "panic: payload doesn't fit the schema: a: too short", delayMs: 100 },
    ],
    [
      'a result that is no JSON is final',
      { kind: 'returned', value: 1n },
      { attempts: 2 },
      1,
      {
        status: 'PANIC',
        lastError: 'panic: result: expected a JSON value; Do not know how to serialize a BigInt',
      },
    ],
    [
      'a RetryableError decides for itself, however many attempts there were',
      threw(new RetryableError({ cause: 'busy', retryAfter: '1m' })),
      { attempts: 2 },
      9,
      { ...AGAIN, lastError: 'retryable-error: busy', delayMs: 60_000 },
    ],
    [
      'a stop is tried again at the last attempt too, and uncounted',
      threw(failure, true),
      { attempts: 2 },
      2,
      { ...AGAIN, lastError: 'aborted: no disk', delayMs: 5_000, stopped: true },
    ],
  ])('%s', (_, result, retries, attempt, outcome) => {
    expect(judge(result, { backoff, ...retries }, attempt)).toEqual(outcome)
  })

  test.each([
    ['a RetryableError', threw(new RetryableError()), 1],
    ['a stop', threw(failure, true), 1],
    ['the last attempt', threw(failure), 3],
    ['a result', { kind: 'returned', value: 1 }, 1],
  ] as const)('asks neither retryIf nor the backoff about %s', (_, result, attempt) => {
    const asked = (): never => assert.fail('asked')
    const outcome = judge(result, { attempts: 3, retryIf: asked, backoff: { duration: asked } }, attempt)
    expect(JSON.stringify(outcome)).not.toContain('asked')
  })

  it('asks retryIf with the error and the job', () => {
    const asked: unknown[] = []
    const retryIf = (...given: unknown[]): boolean => asked.push(...given) > 0
    judge(threw(failure), { attempts: 3, retryIf }, 2)
    expect(asked).toEqual([failure, expect.objectContaining({ id: '1', attempt: 2 })])
  })

  test.each<[string, Partial<RetryPolicy>, string]>([
    ['a retryIf that throws', { retryIf: () => assert.fail('oops') }, 'no disk; retryIf threw: oops'],
    [
      'an async retryIf',
      { retryIf: (() => Promise.reject(new Error('late'))) as unknown as RetryPolicy['retryIf'] },
      'no disk; retryIf: expected true or false; got an instance of Promise',
    ],
    [
      'a backoff that throws',
      { backoff: { duration: () => assert.fail('oops') } },
      'no disk; backoff.duration(1): expected a number of ms; it threw: oops',
    ],
    [
      'a backoff that returns no duration',
      { backoff: { duration: () => NaN } },
      "no disk; backoff.duration(1): expected a duration of 0 or more, in ms or as '5s', '1m' or '1h'; got NaN",
    ],
    [
      'a backoff that no store can keep',
      { backoff: { duration: () => 1e15 } },
      'no disk; backoff.duration(1): expected at most 100000000000000 ms, 3,000 years; got 1000000000000000',
    ],
  ])('%s is FAILED with both messages', (_, retries, lastError) => {
    expect(judge(threw(failure), { attempts: 2, ...retries })).toEqual({ status: 'FAILED', lastError })
  })

  it('waits from 1 s to 1 h by default, of which half is random', () => {
    const waitMs = (attempt: number): number =>
      (judge(threw(failure), { attempts: 100 }, attempt) as { delayMs: number }).delayMs
    for (const [attempt, most] of [
      [1, 1_000],
      [2, 2_000],
      [50, 3_600_000],
    ] as const) {
      expect(waitMs(attempt)).toBeGreaterThanOrEqual(most / 2)
      expect(waitMs(attempt)).toBeLessThanOrEqual(most)
    }
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
