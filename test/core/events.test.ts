import { currentLogger, runAllJobs } from 'runutil'
import { describe, expect, test, vi } from 'vitest'
import { Events } from '../../packages/runutil/src/core/events.ts'
import { capturedLogger } from '../support/logs.ts'

interface Shop extends Record<string, unknown[]> {
  sold: [item: string, price: number]
  closed: []
  error: [error: Error]
}

describe('a listener', () => {
  test('hears each event of its name, with what it carries, and no other', () => {
    const events = new Events<Shop>()
    const heard: unknown[] = []
    events.on('sold', (item, price) => heard.push([item, price]))
    events.emit('sold', 'apple', 1)
    events.emit('closed')
    events.emit('sold', 'pear', 2)
    expect(heard).toEqual([
      ['apple', 1],
      ['pear', 2],
    ])
  })

  test('comes in the order of listening, twice when it was given twice', () => {
    const events = new Events<Shop>()
    const heard: string[] = []
    const a = (): void => void heard.push('a')
    events.on('closed', a)
    events.on('closed', () => heard.push('b'))
    const off = events.on('closed', a)
    events.emit('closed')
    off()
    events.emit('closed')
    expect(heard).toEqual(['a', 'b', 'a', 'a', 'b'])
  })

  test('is taken off by what on returned, safely twice', () => {
    const events = new Events<Shop>()
    const heard = vi.fn()
    const off = events.on('closed', heard)
    off()
    off()
    events.emit('closed')
    expect(heard).not.toHaveBeenCalled()
    expect(events.heard('closed')).toBe(false)
  })

  test('added during an event hears only the next', () => {
    const events = new Events<Shop>()
    const late = vi.fn()
    const off = events.on('closed', () => {
      off()
      events.on('closed', late)
    })
    events.emit('closed')
    expect(late).not.toHaveBeenCalled()
    events.emit('closed')
    expect(late).toHaveBeenCalledTimes(1)
  })

  const broken: [string, () => unknown][] = [
    [
      'throws',
      () => {
        throw new Error('from a listener')
      },
    ],
    ['rejects', () => Promise.reject(new Error('from a listener'))],
    [
      'gives a thenable that rejects',
      () => ({ then: (_: unknown, no: (e: Error) => void) => no(new Error('from a listener')) }),
    ],
  ]
  test.each(broken)(
    'that %s is logged once, and reaches neither the emitter nor the others',
    async (_, listener) => {
      const { logger, lines } = capturedLogger()
      const heard = vi.fn()
      await runAllJobs(
        [
          async () => {
            const events = new Events<Shop>()
            events.on('closed', listener)
            events.on('closed', heard)
            for (let i = 0; i < 3; i++) events.emit('closed')
            await new Promise((resolve) => setImmediate(resolve))
          },
        ],
        undefined,
        { logger },
      )
      expect(heard).toHaveBeenCalledTimes(3)
      const said = lines.filter(({ msg }) => /listener of 'closed' failed/.test(String(msg)))
      expect(said).toMatchObject([{ level: 50, err: { message: 'from a listener' } }])
    },
  )

  test('that fails is logged once each, however many fail alike', () => {
    currentLogger().level = 'error'
    const error = vi.spyOn(currentLogger(), 'error').mockImplementation(() => {})
    const events = new Events<Shop>()
    for (let i = 0; i < 2; i++) {
      events.on('closed', () => {
        throw new Error('from a listener')
      })
    }
    for (let i = 0; i < 3; i++) events.emit('closed')
    expect(error).toHaveBeenCalledTimes(2)
    error.mockRestore()
    currentLogger().level = 'silent'
  })
})

test('nobody has to hear an event, not even an error', () => {
  const events = new Events<Shop>()
  expect(events.heard('error')).toBe(false)
  expect(() => events.emit('error', new Error('unheard'))).not.toThrow()
  events.on('error', () => {})
  expect([events.heard('error'), events.heard('closed')]).toEqual([true, false])
})
