import { ExponentialBackoff, InvalidArgumentError, StaticBackoff, backoff } from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import { checkBackoff } from '../../packages/runutil/src/core/backoff.ts'

const attempts = Array.from({ length: 10_001 }, (_, at) => at)

test('a static backoff waits equally long before every attempt except attempt 0', () => {
  const fixed = backoff('5s')
  expect(fixed).toBeInstanceOf(StaticBackoff)
  expect([0, 1, 2, 100, Infinity].map((n) => fixed.duration(n))).toEqual([0, 5000, 5000, 5000, 5000])
  expect([-1, NaN, -Infinity].map((n) => fixed.duration(n))).toEqual([0, 0, 0])
})

test('a backoff without jitter doubles from initial to max', () => {
  const doubling = backoff({ initial: '1s', max: '60s' })
  expect(doubling).toBeInstanceOf(ExponentialBackoff)
  const seconds = Array.from({ length: 9 }, (_, n) => doubling.duration(n) / 1000)
  expect(seconds).toEqual([0, 1, 2, 4, 8, 16, 32, 60, 60])
})

test('a max below initial limits the first wait too', () => {
  expect(backoff({ initial: '1m', max: '5s' }).duration(1)).toBe(5000)
})

describe('the cap is applied before the jitter', () => {
  const jittered = backoff({ initial: '2s', max: '60s', jitterProportion: 0.5 })

  test.each([6, 7, 8, 20, 1024, 1026, 10_000, Infinity])(
    'attempt %d waits between 30 and 60 s',
    (attempt) => {
      const waits = Array.from({ length: 1_000 }, () => jittered.duration(attempt))
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(30_000)
      expect(Math.max(...waits)).toBeLessThanOrEqual(60_000)
      expect(new Set(waits).size).toBeGreaterThan(900)
      // The waits are spread over the whole range.
      expect(Math.min(...waits)).toBeLessThan(32_000)
      expect(Math.max(...waits)).toBeGreaterThan(58_000)
    },
  )

  test.each([
    [0, 30_000],
    [0.5, 45_000],
    [1 - 2 ** -53, 60_000],
  ])('a random %d gives base·(1-j) + random·base·j', (random, expected) => {
    const clock = Object.assign(new VirtualClock(), { random: () => random })
    expect(jittered.duration(8, clock)).toBeCloseTo(expected, 6)
  })

  test('below the cap, jitterProportion applies to the base wait of the attempt', () => {
    const clock = Object.assign(new VirtualClock(), { random: () => 0 })
    expect([0, 1, 2, 3].map((n) => jittered.duration(n, clock))).toEqual([0, 1000, 2000, 4000])
  })
})

describe('no attempt number results in NaN, Infinity or a negative number', () => {
  const cases = [0, 0.3, 0.5, 1].flatMap((jitterProportion) => [
    { initial: 1, max: Number.MAX_VALUE, jitterProportion },
    { initial: '1s', max: '1m', jitterProportion },
    { initial: 0, max: 0, jitterProportion },
    { initial: 0, max: '1h', jitterProportion },
    { initial: '365d', max: Number.MAX_VALUE, jitterProportion },
    { initial: Number.MIN_VALUE, max: '1m', jitterProportion },
  ])

  test.each(cases)('%j', (options) => {
    const tried = backoff(options)
    const odd = [Infinity, -Infinity, NaN, -1, 0.5, 2 ** 53, Number.MAX_VALUE]
    const wrong = [...attempts, ...odd].filter((n) => {
      const wait = tried.duration(n)
      return !(Number.isFinite(wait) && wait >= 0 && wait <= tried.maxMs)
    })
    expect(wrong).toEqual([])
    expect([0, -1, NaN].map((n) => tried.duration(n))).toEqual([0, 0, 0])
  })
})

describe('a jitterProportion outside 0 to 1 throws', () => {
  test.each([-0.01, 1.01, NaN, Infinity, -Infinity, '0.5', null, {}, true])('%o', (jitterProportion) => {
    const call = (): unknown => backoff({ initial: 1, max: 2, jitterProportion: jitterProportion as number })
    expect(call).toThrow(RangeError)
    expect(call).toThrow(/backoff: expected a jitterProportion of 0 to 1; got/)
  })

  test.each([0, 0.5, 1, undefined])('%o is accepted', (jitterProportion) => {
    expect(
      backoff({ initial: 1, max: 2, jitterProportion: jitterProportion! }).duration(1),
    ).toBeLessThanOrEqual(1)
  })
})

test.each([
  [
    { initial: '1s', max: '1m', jitter: 0.5 },
    "backoff: unknown option 'jitter'; known are initial, max, jitterProportion",
  ],
  [{ initial: '1s', maximum: '1m' }, "backoff: unknown option 'maximum'"],
  [{ initail: '1s', max: '1m' }, "did you mean 'initial'?"],
  [{ initial: '1s', max: '1m', jitterproportion: 1 }, "did you mean 'jitterProportion'?"],
  [null, 'backoff: expected an options object'],
  [['1s', '1m'], 'backoff: expected an options object'],
])('options %j are refused', (options, message) => {
  const call = (): unknown => backoff(options as never)
  expect(call).toThrow(InvalidArgumentError)
  expect(call).toThrow(message)
})

test.each([undefined, null, 5000, '5s', () => 5, {}, { duration: 5 }])('%o is not a Backoff', (given) => {
  expect(() => checkBackoff(given, 'retry')).toThrow(InvalidArgumentError)
  expect(() => checkBackoff(given, 'retry')).toThrow(/retry: expected a Backoff, as backoff\('5s'\)/)
})
