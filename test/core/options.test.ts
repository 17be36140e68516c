import { InvalidArgumentError } from 'runutil'
import { describe, expect, test } from 'vitest'
import { checkOptions } from '../../packages/runutil/src/core/options.ts'

const known = ['logger', 'clock', 'grace'] as const
const check = (options: unknown): unknown => checkOptions('run', options as Record<string, unknown>, known)

describe('the error for an unknown key suggests the nearest known one', () => {
  test.each([
    ['loger', "run: unknown option 'loger'; did you mean 'logger'?"],
    ['Logger', "did you mean 'logger'?"],
    ['GRACE', "did you mean 'grace'?"],
    ['clok', "did you mean 'clock'?"],
    ['clcok', "did you mean 'clock'?"],
    ['gracePeriod', "run: unknown option 'gracePeriod'; known are logger, clock, grace"],
    ['timeout', "run: unknown option 'timeout'; known are logger, clock, grace"],
    ['', "run: unknown option ''; known are logger, clock, grace"],
  ])('%j', (key, message) => {
    expect(() => check({ [key]: 1 })).toThrow(InvalidArgumentError)
    expect(() => check({ [key]: 1 })).toThrow(message)
  })
})

test.each([null, undefined, 5, 'grace', [], () => {}])('%o is not an options object', (options) => {
  expect(() => check(options)).toThrow(InvalidArgumentError)
  expect(() => check(options)).toThrow(/run: expected an options object \{ logger, clock, grace \}; got/)
})

test.each([{}, { grace: undefined }, { logger: 1, clock: 2, grace: 3 }])(
  '%o is returned unchanged',
  (options) => {
    expect(check(options)).toBe(options)
  },
)
