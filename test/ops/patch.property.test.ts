import fc from 'fast-check'
import { expect, test } from 'vitest'
import { apply, diff } from '../../packages/runutil/src/ops/events/patch.ts'
import { numRuns, seed } from '../support/property-runs.ts'

/** Few keys and values, so that two objects often share some; also keys that mean something to JavaScript. */
const keys = fc.constantFrom('', 'a', 'b', '/Type/Name', '0', '__proto__', 'constructor', 'toString')
const leaves = fc.oneof(fc.constantFrom(0, 1, '', 'x', true, false), fc.string())

const { object } = fc.letrec<{ object: Record<string, unknown>; value: unknown }>((tie) => ({
  object: fc
    .uniqueArray(fc.tuple(keys, tie('value')), { maxLength: 5, selector: ([key]) => key })
    .map((entries) => Object.fromEntries(entries)),
  // Null is a value in an array, where a patch replaces all of it.
  value: fc.oneof(
    { maxDepth: 3 },
    leaves,
    fc.array(fc.oneof(leaves, fc.constant(null)), { maxLength: 3 }),
    tie('object'),
  ),
}))

/** As JSON with sorted keys, in which `__proto__` counts too. */
function written(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(written).join()}]`
  const names = Object.keys(value).sort()
  return `{${names.map((name) => `${JSON.stringify(name)}:${written((value as Record<string, unknown>)[name])}`).join()}}`
}

test('what a patch makes of one object is the other, and only what differs is in it', () => {
  fc.assert(
    fc.property(object, object, (before, after) => {
      const patch = diff(before, after)
      if (patch === undefined) expect(written(before)).toBe(written(after))
      else {
        const sent: unknown = JSON.parse(JSON.stringify(patch))
        expect(written(apply(before, sent))).toBe(written(after))
        expect(written(before)).not.toBe(written(after))
      }
    }),
    { numRuns, seed },
  )
})

test('an object that is equal needs no patch, whatever the order of its keys', () => {
  fc.assert(
    fc.property(object, (value) => {
      const turned = Object.fromEntries(Object.entries(value).reverse())
      expect(diff(value, turned)).toBeUndefined()
    }),
    { numRuns, seed },
  )
})

test('the examples of RFC 7396 hold', () => {
  const examples: readonly [string, string, string][] = [
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"a":"b"}', '["c"]', '["c"]'],
    ['{"a":"foo"}', 'null', 'null'],
    ['{"a":"foo"}', '"bar"', '"bar"'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
    ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ]
  for (const [before, patch, after] of examples) {
    expect(apply(JSON.parse(before), JSON.parse(patch))).toEqual(JSON.parse(after))
  }
})
