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
  test('receives each event of its name with its arguments, and no other', () => {
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

  test('is called in the order of subscription, and twice if it was added twice', () => {
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

  test('is removed by the function that on() returned, which may be called twice', () => {
    const events = new Events<Shop>()
    const heard = vi.fn()
    const off = events.on('closed', heard)
    off()
    off()
    events.emit('closed')
    expect(heard).not.toHaveBeenCalled()
    expect(events.hasListeners('closed')).toBe(false)
  })

  test('added during an event receives only the next', () => {
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
      'returns a thenable that rejects',
      () => ({ then: (_: unknown, no: (e: Error) => void) => no(new Error('from a listener')) }),
    ],
  ]
  test.each(broken)(
    'that %s is logged once, and affects neither the emitter nor other listeners',
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

  test('that fails is logged once, even if another fails in the same way', () => {
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

test('an event needs no listener, not even an error', () => {
  const events = new Events<Shop>()
  expect(events.hasListeners('error')).toBe(false)
  expect(() => events.emit('error', new Error('unheard'))).not.toThrow()
  events.on('error', () => {})
  expect([events.hasListeners('error'), events.hasListeners('closed')]).toEqual([true, false])
})
