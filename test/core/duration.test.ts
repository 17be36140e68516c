import { InvalidDurationError, backoff, repeat, runAllWorkers, wait } from 'runutil'
import { Probe, VirtualClock } from 'runutil/testing'
import fc from 'fast-check'
import ms, { type StringValue } from 'ms'
import { describe, expect, test } from 'vitest'
import { toIntervalMs, toMs } from '../../packages/runutil/src/core/duration.ts'

describe('a duration is a number of milliseconds or a string with a unit', () => {
  test.each([
    [0, 0],
    [1.5, 1.5],
    [2 ** 40, 2 ** 40],
    ['0', 0],
    ['250', 250],
    ['250ms', 250],
    ['5s', 5_000],
    ['5 seconds', 5_000],
    ['1m', 60_000],
    ['1h', 3_600_000],
    ['1.5h', 5_400_000],
    ['7d', 604_800_000],
  ])('%j is %d ms', (given, ms) => {
    expect(toMs(given, 'x')).toBe(ms)
  })
})

const WORDS = [
  '',
  'ms',
  'msec',
  'msecs',
  'millisecond',
  'milliseconds',
  's',
  'sec',
  'secs',
  'second',
  'seconds',
  'm',
  'min',
  'mins',
  'minute',
  'minutes',
  'h',
  'hr',
  'hrs',
  'hour',
  'hours',
  'd',
  'day',
  'days',
  'w',
  'week',
  'weeks',
  'y',
  'yr',
  'yrs',
  'year',
  'years',
  'Sec',
  'MS',
  'M',
  'millis',
  'msec.',
  'mss',
  'se',
  'mi',
  'ho',
  'x',
]

describe('a duration in words', () => {
  const text = fc
    .tuple(
      fc.constantFrom('', '-', '.', '+', ' '),
      fc.oneof(
        fc.nat().map(String),
        fc.double({ noNaN: true }).map(String),
        fc.constantFrom('1.', '.5', '1.5'),
      ),
      fc.constantFrom('', ' ', '   ', '\t', '_'),
      fc.constantFrom(...WORDS),
    )
    .map((parts) => parts.join(''))
    .filter((given) => given !== '' && given.length <= 100)

  test('means the same as in the package ms', () => {
    const read = (given: string): number | undefined => {
      try {
        return toMs(given, 'x')
      } catch {
        return undefined
      }
    }
    const meant = (given: string): number | undefined => {
      const value = ms(given as StringValue) as number | undefined
      return value !== undefined && value >= 0 ? value : undefined
    }
    fc.assert(
      fc.property(text, (given) => {
        expect(read(given)).toBe(meant(given))
      }),
      { numRuns: 10_000 },
    )
  })
})

const BAD: [unknown, string][] = [
  [NaN, 'NaN'],
  [-1, '-1'],
  [-0.001, '-0.001'],
  [Infinity, 'Infinity'],
  [-Infinity, '-Infinity'],
  ['', '""'],
  [' ', '" "'],
  ['soon', '"soon"'],
  ['-5s', '"-5s"'],
  ['5 parsecs', '"5 parsecs"'],
  ['1'.repeat(101), 'a string'],
  [null, 'null'],
  [undefined, 'undefined'],
  [true, 'true'],
  [5n, '5n'],
  [{}, 'an object'],
  [[5], 'an array of 1'],
  [Symbol('s'), 'Symbol(s)'],
  [new Date(0), 'an instance of Date'],
  [() => 5, 'function'],
]

const TAKES_DURATION: Record<string, (duration: never) => unknown> = {
  wait: (duration) => wait(duration),
  repeat: (duration) => repeat(duration, () => {}),
  'backoff(sleep)': (duration) => backoff({ initial: duration, max: '1m' }),
  'backoff(max)': (duration) => backoff({ initial: '1s', max: duration }),
  VirtualClock: (duration) => new VirtualClock().advance(duration),
  Probe: (duration) => new Probe('p', duration === undefined ? NaN : duration),
  toMs: (duration) => toMs(duration, 'toMs'),
  toIntervalMs: (duration) => toIntervalMs(duration, 'toIntervalMs'),
}

describe.each(Object.entries(TAKES_DURATION))('%s rejects, at the call,', (_, take) => {
  test.each(BAD)('%o', (given) => {
    const call = (): unknown => take(given as never)
    expect(call).toThrow(InvalidDurationError)
    expect(call).toThrow(RangeError)
    expect(call).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_DURATION', name: 'InvalidDurationError' }),
    )
  })
})

test.each(BAD.slice(0, -1))('a static backoff of %o is rejected with a typed error', (given) => {
  expect(() => backoff(given as never)).toThrow(/^backoff: /)
  expect(caught(() => backoff(given as never))).toHaveProperty('code', expect.stringMatching(/^ERR_INVALID_/))
})

test.each(BAD.filter(([given]) => given !== undefined))(
  'a grace of %o is rejected before anything runs',
  async (given) => {
    let ran = false
    const run = runAllWorkers([() => void (ran = true)], undefined, { grace: given as never })
    await expect(run).rejects.toThrow(InvalidDurationError)
    expect(ran).toBe(false)
  },
)

test.each([0, '0s', '0'])('an interval of %j is rejected, since nothing else could run', (every) => {
  expect(() => repeat(every, () => {})).toThrow(InvalidDurationError)
  expect(() => repeat(every, () => {})).toThrow(/repeat: expected more than 0 ms; got/)
})

test('the message names the function, what was expected and what was given', () => {
  expect(() => wait('soon')).toThrow(
    "wait: expected a duration of 0 or more, in ms or as '5s', '1m' or '1h'; got \"soon\"",
  )
})

function caught(call: () => unknown): unknown {
  try {
    return call()
  } catch (error) {
    return error
  }
}
