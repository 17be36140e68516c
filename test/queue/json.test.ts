import fc from 'fast-check'
import { ErrInvalidJob } from 'runutil/queue'
import { describe, expect, it, test } from 'vitest'
import { toJson } from '../../packages/runutil/src/queue/json.ts'

class Point {
  readonly x = 1
  secret = undefined
  get far(): boolean {
    return false
  }
}

describe('a JSON text', () => {
  test.each<[string, unknown, string]>([
    ['of null', null, 'null'],
    ['of a text with all that has to be escaped', '"\\\0\n\ud800', String.raw`"\"\\\u0000\n\ud800"`],
    ['of the largest number', Number.MAX_VALUE, '1.7976931348623157e+308'],
    ['without properties that are undefined', { a: undefined, b: [{ c: undefined }] }, '{"b":[{}]}'],
    ['of a Date, by its toJSON', { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
    ['of a class with its own properties', new Point(), '{"x":1}'],
    ['of an object without a prototype', Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
    ['of one object that comes twice', twice({ a: 1 }), '[{"a":1},{"a":1}]'],
    ['of a property called __proto__', JSON.parse('{"__proto__":1}'), '{"__proto__":1}'],
  ])('%s', (_, value, text) => {
    expect(toJson(value, 'it')).toBe(text)
  })

  it('of any JSON value parses to that value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        expect(JSON.parse(toJson(value, 'it'))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })
})

describe('refused, and the message says where', () => {
  test.each<[string, unknown, string]>([
    ['undefined', undefined, 'it: expected a JSON value; got undefined'],
    ['a function', function named() {}, 'it: expected a JSON value; got function named'],
    ['a symbol', Symbol('x'), 'it: expected a JSON value; got Symbol(x)'],
    ['a BigInt', { a: 1n }, 'it: expected a JSON value; Do not know how to serialize a BigInt'],
    ['NaN', { a: [0, NaN] }, 'it.a[1]: expected a JSON value; got NaN'],
    ['Infinity', { a: { b: -Infinity } }, 'it.a.b: expected a JSON value; got -Infinity'],
    ['undefined in an array', [undefined], 'it[0]: expected a JSON value; got undefined'],
    ['a hole in an array', new Array(1), 'it[0]: expected a JSON value; got undefined'],
    ['a function as a property', { f() {} }, 'it.f: expected a JSON value; got function f'],
    ['a Map', { a: new Map() }, 'it.a: expected a JSON value; got an instance of Map'],
    ['a Set', new Set(), 'it: expected a JSON value; got an instance of Set'],
    ['a RegExp', /x/, 'it: expected a JSON value; got an instance of RegExp'],
    ['bytes', new Uint8Array(1), 'it: expected a JSON value; got an instance of Uint8Array'],
    ['an invalid Date', { at: new Date(NaN) }, 'it.at: expected a JSON value; got an instance of Date'],
    ['a toJSON that gives nothing', { toJSON: () => undefined }, 'it: expected a JSON value; got an object'],
    ['a toJSON that throws', { toJSON: () => raise(new Error('no')) }, 'it: expected a JSON value; no'],
    ['a toJSON that throws nothing', { toJSON: () => raise(null) }, 'it: expected a JSON value; null'],
    ['what runs in a circle', circle(), 'it: expected a JSON value; Converting circular structure to JSON'],
    ['what is nested without end', nested(20_000), 'it: expected a JSON value; Maximum call stack'],
  ])('%s', (_, value, message) => {
    const refused = (): string => toJson(value, 'it')
    expect(refused).toThrow(ErrInvalidJob)
    expect(refused).toThrow(message)
  })

  it('whatever depth it has: it is a JSON text or refused', () => {
    for (let depth = 1_000; depth < 16_000; depth += 1_000) {
      try {
        expect(toJson(nested(depth), 'it')).toHaveLength(6 * depth + 2)
      } catch (error) {
        expect(error).toBeInstanceOf(ErrInvalidJob)
      }
    }
  })
})

function twice(value: object): object[] {
  return [value, value]
}

function circle(): object {
  const self: { self?: object } = {}
  return Object.assign(self, { self })
}

function nested(depth: number): object {
  let value = {}
  for (let level = 0; level < depth; level++) value = { a: value }
  return value
}

function raise(error: unknown): never {
  throw error
}
