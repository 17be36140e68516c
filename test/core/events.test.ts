import { Probe } from 'runutil/testing'
import { describe, expect, test, vi } from 'vitest'
import { Events } from '../../packages/runutil/src/core/events.ts'

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

  test('that throws reaches the process, not the emitter nor the other listeners', async () => {
    const caught = new Probe<Error>('uncaught exception')
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.once('uncaughtException', (error) => caught.hit(error))
    try {
      const events = new Events<Shop>()
      const heard = vi.fn()
      events.on('closed', () => {
        throw new Error('from a listener')
      })
      events.on('closed', heard)
      events.emit('closed')
      expect(heard).toHaveBeenCalledTimes(1)
      await caught.times(1)
      expect(caught.values[0]).toMatchObject({ message: 'from a listener' })
    } finally {
      for (const other of others) process.on('uncaughtException', other)
    }
  })
})

test('nobody has to hear an event, not even an error', () => {
  const events = new Events<Shop>()
  expect(events.heard('error')).toBe(false)
  expect(() => events.emit('error', new Error('unheard'))).not.toThrow()
  events.on('error', () => {})
  expect([events.heard('error'), events.heard('closed')]).toEqual([true, false])
})
