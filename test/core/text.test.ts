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
  ])('%s returns a text', (_, read) => {
    const text = read(make())
    expect(text).toBeTypeOf('string')
    expect((text as string).length).toBeLessThanOrEqual(65_536)
  })

  it('causes no other error', () => {
    expect(toError(make())).toBeDefined()
    expect(['string', 'undefined']).toContain(typeof stackOf(make()))
    expect(errorIs(make(), ErrWorkerExitedPrematurely)).toBe(false)
    expect(isAbortOf(aborted, make())).toBe(false)
  })
})

describe('the message of an error', () => {
  test.each<[string, unknown, string]>([
    ['is returned', new Error('no disk'), 'no disk'],
    ['is empty if there is none', new Error(), ''],
    [
      'is described if it is an object',
      Object.assign(new Error(), { message: { code: 'declined' } }),
      "{ code: 'declined' }",
    ],
    [
      'is named, not listed, if it is bytes',
      Object.assign(new Error(), { message: new Uint8Array(9) }),
      'an instance of Uint8Array',
    ],
  ])('%s', (_, error, text) => {
    expect(messageOf(error)).toBe(text)
  })

  it('an error type is found at the end of nested aggregate errors', () => {
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

  it('is escaped to ASCII by asciiText', () => {
    expect(asciiText('a\n€🎉\0')).toBe('a\n\\u20ac\\ud83c\\udf89\\u0000')
  })

  it('is cut at a character boundary', () => {
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
