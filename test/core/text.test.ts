import { ErrWorkerExitedPrematurely, errorIs } from 'runutil'
import { describe, expect, it, test } from 'vitest'
import { describe as described } from '../../packages/runutil/src/core/describe.ts'
import { isAbortOf } from '../../packages/runutil/src/core/is-abort-of.ts'
import { asciiText, cutToBytes, storableText } from '../../packages/runutil/src/core/text.ts'
import { toError, messageOf, nameOf, stackOf, textOf } from '../../packages/runutil/src/core/thrown.ts'
import { oddErrors, oddResults } from '../support/odd-values.ts'

const aborted = AbortSignal.abort(new Error('stop'))

describe.each([...oddErrors, ...oddResults])('%s', (_, make) => {
  test.each<[string, (thrown: unknown) => unknown]>([
    ['messageOf', messageOf],
    ['textOf', textOf],
    ['nameOf', nameOf],
    ['describe', described],
  ])('%s makes a text of it', (_, read) => {
    const text = read(make())
    expect(text).toBeTypeOf('string')
    expect((text as string).length).toBeLessThanOrEqual(65_536)
  })

  it('is no reason to throw anything else', () => {
    expect(toError(make())).toBeDefined()
    expect(['string', 'undefined']).toContain(typeof stackOf(make()))
    expect(errorIs(make(), ErrWorkerExitedPrematurely)).toBe(false)
    expect(isAbortOf(aborted, make())).toBe(false)
  })
})

describe('what an error says', () => {
  test.each<[string, unknown, string]>([
    ['is its message', new Error('no disk'), 'no disk'],
    ['is nothing without one', new Error(), ''],
    [
      'is shown when it is an object',
      Object.assign(new Error(), { message: { code: 'declined' } }),
      "{ code: 'declined' }",
    ],
    [
      'names bytes, and lists none',
      Object.assign(new Error(), { message: new Uint8Array(9) }),
      'an instance of Uint8Array',
    ],
  ])('%s', (_, error, text) => {
    expect(messageOf(error)).toBe(text)
  })

  it('finds a type in the last of two lists of errors', () => {
    const wanted = new ErrWorkerExitedPrematurely('/a')
    const inner = new AggregateError([new Error('x'), wanted])
    expect(errorIs(new AggregateError([new Error('y'), inner]), ErrWorkerExitedPrematurely)).toBe(true)
  })
})

describe('text for a store', () => {
  test.each([
    ['a\0b', 'a\\0b'],
    ['a\ud83cb', 'a\ufffdb'],
    ['€'.repeat(30_000), '€'.repeat(21_845)],
  ])('%# is cut and cleaned', (text, stored) => {
    expect(storableText(text)).toBe(stored)
  })

  it('is in ASCII where that is asked for', () => {
    expect(asciiText('a\n€🎉\0')).toBe('a\n\\u20ac\\ud83c\\udf89\\u0000')
  })

  it('is cut between characters', () => {
    expect(['', 'a', 'ab', 'ab', 'ab', 'ab€'].map((_, most) => cutToBytes('ab€', most))).toEqual([
      '',
      'a',
      'ab',
      'ab',
      'ab',
      'ab€',
    ])
  })
})
