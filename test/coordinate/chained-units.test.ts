import { expect, test } from 'vitest'
import { chainedUnits } from '../../packages/runutil/src/coordinate/chained-units.ts'

const unit = (name: string, data = {}, priority = 0, delayMs = 0) => ({ name, data, priority, delayMs })

test.each([
  [{ a: { x: 1 }, b: {} }, [unit('a', { x: 1 }), unit('b')]],
  [
    ['a', 'b'],
    [unit('a'), unit('b')],
  ],
  [[['a', { x: 1 }]], [unit('a', { x: 1 })]],
  [[['a', {}, { priority: 2, delay: 1.5 }]], [unit('a', {}, 2, 1_500)]],
  [[['a', {}, { priority: 2 }, 3]], [unit('a', {}, 3)]],
  [[['a', {}, null, 3]], [unit('a', {}, 3)]],
  [[['a', {}, { priority: 2 }, null]], [unit('a', {}, 2)]],
  [[['a', {}, { delay: -1 }]], [unit('a')]],
  [
    ['a', ['b', {}], ['a', { x: 2 }]],
    [unit('a', { x: 2 }), unit('b')],
  ],
  [[1, null, [], ['a'], [1, {}], ['b', 1], ['c', []], 'd'], [unit('d')]],
  [{ a: 1, b: null, c: [], d: { x: 1 } }, [unit('d', { x: 1 })]],
  ['a', []],
  [null, []],
  [undefined, []],
  [7, []],
])('the output %j makes the units %j', (output, expected) => {
  expect(chainedUnits({ output })).toEqual(expected)
})

test('data without an output makes none', () => {
  expect(chainedUnits({ result: 1 })).toEqual([])
})

test('a name may be any string', () => {
  const output = JSON.parse('{"__proto__": {"x": 1}, "constructor": {}}') as unknown
  expect(chainedUnits({ output }).map(({ name }) => name)).toEqual(['__proto__', 'constructor'])
})
