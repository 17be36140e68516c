import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { plainJson } from '../../packages/runutil/src/core/plain-json.ts'

describe('plainJson', () => {
  it('returns the same as JSON.stringify for any JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        expect(plainJson(value, 1_000_000)).toBe(JSON.stringify(value))
      }),
    )
  })

  test.each<[string, unknown]>([
    ['a value that JSON.stringify would change', { a: [1, NaN] }],
    ['a value with a toJSON', { at: new Date(0) }],
    ['an array with a toJSON', Object.assign([1], { toJSON: () => 2 })],
    ['bytes', { a: new Uint8Array(1) }],
    ['an instance of a class', { a: new (class Point {})() }],
    ['a circular value', circle()],
    [
      'a getter that throws',
      {
        get a(): never {
          throw new Error('no')
        },
      },
    ],
    ['undefined', undefined],
    ['a text that is too long', 'x'.repeat(1_000)],
    ['a text that is too long once escaped', '\n'.repeat(600)],
  ])('returns undefined for %s', (_, value) => {
    expect(plainJson(value, 1_000)).toBeUndefined()
  })
})

function circle(): object {
  const circle: { a?: object } = {}
  circle.a = { circle }
  return circle
}
