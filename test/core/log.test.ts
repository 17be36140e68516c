import { pino } from 'pino'
import { currentLogger } from 'runutil'
import { describe, expect, it, test, vi } from 'vitest'
import { log, logWarning } from '../../packages/runutil/src/core/log.ts'
import { capturedLogger, withLogger } from '../support/logs.ts'
import { oddErrors } from '../support/odd-values.ts'

const LONGEST_LINE = 16 * 1024

function lineOf(thrown: unknown): string {
  const { logger, texts } = capturedLogger()
  logWarning(logger, thrown, 'failed')
  expect(texts).toHaveLength(1)
  return texts[0]!
}

describe('a line about an error', () => {
  test.each(oddErrors)('is written for %s', (_, make) => {
    const line = lineOf(make())
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(LONGEST_LINE)
    expect(JSON.parse(line)).toMatchObject({ level: 40, msg: 'failed' })
  })

  test.each<[string, object]>([
    ['bytes', { body: Buffer.alloc(500_000, 7) }],
    ['nested bytes', { request: { headers: {}, body: new Uint8Array(500_000).fill(7) } }],
    ['bytes as Buffer.toJSON writes them', { body: Buffer.alloc(500_000, 7).toJSON() }],
    ['an ArrayBuffer', { body: new Uint8Array(500_000).fill(7).buffer }],
    ['a long text', { body: '"'.repeat(500_000) }],
    ['text that is long once escaped', { body: '\u0001'.repeat(9_000) }],
    ['many properties', Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => [`p${at}`, at]))],
    ['a list of many lists', { rows: new Array(10_000).fill([1, [2, [3, [4]]]]) }],
    ['a toJSON that returns a long text', { body: { toJSON: () => 'x'.repeat(500_000) } }],
    ['a toJSON that throws', { body: { toJSON: () => JSON.parse('{') as unknown } }],
    ['a long message', { message: '€'.repeat(500_000) }],
    ['a long stack', { stack: 'x\n'.repeat(500_000) }],
  ])('has at most 16 KiB, and no bytes as numbers, with %s', (_, carried) => {
    const line = lineOf(Object.assign(new Error('upload failed'), carried))
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(LONGEST_LINE)
    expect(line).not.toMatch(/7,7|"\d+":7/)
  })

  it('has at most 16 KiB with a long chain of causes, and keeps the start of each message', () => {
    let error = new Error('x'.repeat(50_000))
    for (let at = 0; at < 20; at++) error = new Error(`outer ${at} ${'y'.repeat(50_000)}`, { cause: error })
    expect(lineOf(error).length).toBeLessThanOrEqual(LONGEST_LINE)
    expect(lineOf(error)).toContain('outer 19')
  })

  it('contains all fields of an ordinary error', () => {
    class DeclinedError extends Error {
      readonly code = 'DECLINED'
      readonly facts = { card: 'visa', tries: 3, at: new Date(0), nothing: null }
    }
    const cause = new TypeError('no such card')
    const { err } = JSON.parse(lineOf(new DeclinedError('declined', { cause }))) as { err: { stack: string } }
    expect(err).toMatchObject({
      type: 'DeclinedError',
      message: 'declined: no such card',
      code: 'DECLINED',
      facts: { card: 'visa', tries: 3, at: '1970-01-01T00:00:00.000Z', nothing: null },
    })
    expect(err.stack).toMatch(/declined\n +at [^]*caused by: TypeError: no such card\n +at /)
  })

  it('shows what was thrown if it is not an Error', () => {
    expect(JSON.parse(lineOf({ code: 'declined' }))).toMatchObject({
      err: { message: 'a non-Error was thrown: an object { code }', thrown: { code: 'declined' } },
    })
  })
})

describe('a line with long fields', () => {
  it.each<[string, object, string]>([
    ['one field', { kind: 'k'.repeat(500_000) }, 'said'],
    [
      'many fields',
      Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`f${at}`, '"'.repeat(50_000)])),
      'said',
    ],
    ['a long message', {}, 'said '.repeat(100_000)],
    [
      'a long message and long fields',
      { id: '\u0001'.repeat(50_000), kind: '€'.repeat(50_000) },
      '"'.repeat(100_000),
    ],
    [
      'a long message, a long field and an error',
      { id: '\u0001'.repeat(50_000), err: new Error('€'.repeat(50_000)) },
      '"'.repeat(100_000),
    ],
  ])('has at most 16 KiB, with %s', (_, facts, message) => {
    const { logger, texts } = capturedLogger()
    log(logger, 'warn', facts, message)
    expect(texts).toHaveLength(1)
    expect(Buffer.byteLength(texts[0]!)).toBeLessThanOrEqual(LONGEST_LINE)
  })

  it('keeps short fields unchanged', () => {
    const { logger, lines } = capturedLogger()
    log(logger, 'warn', { kind: 'mail', attempt: 2, delayMs: undefined, ours: { limit: 3 } }, 'said')
    expect(lines).toEqual([
      expect.objectContaining({ kind: 'mail', attempt: 2, ours: { limit: 3 }, msg: 'said' }),
    ])
  })
})

describe('logging', () => {
  it('does not throw if the logger does', () => {
    const broken = pino({}, { write: () => JSON.parse('{') as void })
    expect(() => logWarning(broken, new Error('x'), 'failed')).not.toThrow()
  })

  it.each<[string, object]>([
    [
      'for errors',
      { serializers: { err: (error: { response: { status: number } }) => error.response.status } },
    ],
    [
      'that expects an error class of the application',
      { serializers: { err: (error: { own(): string }) => error.own() } },
    ],
  ])('keeps the message if a serializer %s throws', (_, options) => {
    const texts: string[] = []
    logWarning(pino(options, { write: (text) => texts.push(text) }), new Error('disk full'), 'failed')
    expect(texts).toHaveLength(1)
    expect(JSON.parse(texts[0]!)).toMatchObject({ msg: 'failed: disk full' })
  })

  it('is not awaited, and ignores a rejection', async () => {
    const rejected = vi.fn()
    process.on('unhandledRejection', rejected)
    const slow = { warn: () => Promise.reject(new Error('log server is down')) }
    logWarning(slow as never, new Error('x'), 'failed')
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', rejected)
    expect(rejected).not.toHaveBeenCalled()
  })

  it('falls back to the root logger if it cannot create a child', () => {
    const { logger, lines } = capturedLogger()
    const childless = Object.assign(logger, { child: () => JSON.parse('{') as never })
    withLogger(childless, () => currentLogger().warn('still here'))
    expect(lines).toEqual([expect.objectContaining({ msg: 'still here' })])
  })

  it('does not read an error that is not logged', () => {
    const silent = pino({ level: 'error' }, { write: () => {} })
    const error = Object.defineProperty(new Error('x'), 'cause', { get: () => expect.fail('read') })
    log(silent, 'warn', { err: error }, 'failed')
  })
})
