import { describe, expect, test } from 'vitest'
import { printable, printableLines } from '../../../packages/runutil/src/ops/cli/text/printable.ts'
import { progressText } from '../../../packages/runutil/src/ops/cli/text/progress-text.ts'
import { type Column, tableLines } from '../../../packages/runutil/src/ops/cli/text/table.ts'
import { cutTo, fitTo, widthOf } from '../../../packages/runutil/src/ops/cli/text/width.ts'

describe('widthOf', () => {
  test.for([
    ['', 0],
    ['abc', 3],
    ['é', 1],
    ['e\u0301', 1],
    ['日本', 4],
    ['한', 2],
    ['ｗ', 2],
    ['😀', 2],
    ['👨‍👩‍👧', 2],
    ['❤️', 2],
    ['█░…', 3],
    ['\u200b', 0],
  ] as const)('of %j is %i', ([text, width]) => {
    expect(widthOf(text)).toBe(width)
  })
})

test.for([
  ['abc', 3, 'abc'],
  ['abcd', 3, 'ab…'],
  ['日本語', 6, '日本語'],
  ['日本語', 5, '日本…'],
  ['日本語', 4, '日…'],
  ['abc', 1, '…'],
  ['abc', 0, ''],
] as const)('%j cut to %i columns is %j', ([text, width, cut]) => {
  expect(cutTo(text, width)).toBe(cut)
  expect(widthOf(fitTo(text, width))).toBe(width)
})

test.for([
  ['\u001b[31mred', '\\x1b[31mred'],
  ['a\r\nb', 'a\\r\\nb'],
  ['\u009b2J', '\\x9b2J'],
  ['\u202eabc', '\\u202eabc'],
  ['\ud800', '\\ud800'],
  ['a\tb', 'a b'],
  ['Zoë 日本 😀', 'Zoë 日本 😀'],
])('%j is shown as %j', ([text, shown]) => {
  expect(printable(text!)).toBe(shown)
})

test('lines stay lines', () => {
  expect(printableLines('a\r\nb\n\tc\u0007')).toEqual(['a', 'b', '  c\\x07'])
})

test.for([
  [{ done: 0, total: 4 }, '░░░░░░░░░░ 0 %'],
  [{ done: 1, total: 4, note: 'x' }, '███░░░░░░░ 25 %, x'],
  [{ done: 9, total: 4 }, '██████████ 225 %'],
  [{ done: 1_200 }, '1,200 done'],
] as const)('progress %j is %j', ([progress, text]) => {
  expect(progressText({ ...progress, at: '2030-01-01T00:00:00.000Z' })).toBe(text)
})

describe('a table', () => {
  interface Row {
    readonly name: string
    readonly count: number
    readonly error: string
  }
  const columns: Column<Row>[] = [
    { title: 'NAME', text: ({ name }) => name },
    { title: 'COUNT', text: ({ count }) => String(count), align: 'right' },
    { title: 'ERROR', text: ({ error }) => error, gives: true },
  ]
  const rows = [
    { name: 'mail', count: 7, error: 'no such mailbox here' },
    { name: '日本', count: 1_234, error: '' },
  ]

  test('aligns its columns, and pads nothing at the end', () => {
    expect(tableLines(columns, rows)).toEqual([
      'NAME  COUNT  ERROR',
      'mail      7  no such mailbox here',
      '日本   1234',
    ])
  })

  test('leaves out a column without text', () => {
    expect(tableLines(columns, rows.slice(1))).toEqual(['NAME  COUNT', '日本   1234'])
    expect(tableLines(columns, [])).toEqual([''])
  })

  test('cuts what gives first, then what is widest, and leaves out the last ones', () => {
    expect(tableLines(columns, rows, { width: 25 })).toEqual([
      'NAME  COUNT  ERROR',
      'mail      7  no such mai…',
      '日本   1234',
    ])
    for (const width of [20, 16, 15, 10, 4, 1]) {
      expect(Math.max(...tableLines(columns, rows, { width }).map(widthOf))).toBeLessThanOrEqual(width)
    }
    expect(tableLines(columns, rows, { width: 15 })[0]).toBe('NAME  COUNT')
  })
})
