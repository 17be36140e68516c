import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { plainJson } from '../../packages/runutil/src/core/plain-json.ts'

describe('the quick way to a JSON text', () => {
  it('of any JSON value gives what JSON.stringify does', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        expect(plainJson(value, 1_000_000)).toBe(JSON.stringify(value))
      }),
    )
  })

  test.each<[string, unknown]>([
    ['what JSON.stringify would change', { a: [1, NaN] }],
    ['what has a toJSON', { at: new Date(0) }],
    ['an array that has one', Object.assign([1], { toJSON: () => 2 })],
    ['bytes', { a: new Uint8Array(1) }],
    ['an instance of a class', { a: new (class Point {})() }],
    ['what runs in a circle', circle()],
    [
      'a getter that throws',
      {
        get a(): never {
          throw new Error('no')
        },
      },
    ],
    ['undefined', undefined],
    ['more than there is room for', 'x'.repeat(1_000)],
    ['more than there is room for when it is written', '\n'.repeat(600)],
  ])('leaves %s to a thorough look', (_, value) => {
    expect(plainJson(value, 1_000)).toBeUndefined()
  })
})

function circle(): object {
  const circle: { a?: object } = {}
  circle.a = { circle }
  return circle
}
