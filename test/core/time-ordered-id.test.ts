import { describe, expect, it } from 'vitest'
import { timeOrderedId } from '../../packages/runutil/src/core/time-ordered-id.ts'

const UUID_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const msOf = (id: string): number => parseInt(id.replace('-', '').slice(0, 12), 16)

describe('a time-ordered id', () => {
  it('is a UUID of version 7 that begins with the time of day', () => {
    const before = Date.now()
    const id = timeOrderedId()
    expect(id).toMatch(UUID_7)
    expect(msOf(id)).toBeGreaterThanOrEqual(before)
    expect(msOf(id)).toBeLessThanOrEqual(Date.now() + 1)
  })

  it('is greater than all before it, however many a millisecond has', () => {
    const ids = Array.from({ length: 50_000 }, () => timeOrderedId({ now: () => 1_000.5 }))
    expect(ids.every((id) => UUID_7.test(id))).toBe(true)
    expect(ids.toSorted()).toEqual(ids)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('is greater than all before it when the clock is set back', () => {
    const ids = [9e12, 8e12, 0, 9e12 + 1].map((now) => timeOrderedId({ now: () => now }))
    expect(ids.toSorted()).toEqual(ids)
    expect(ids.map(msOf)).toEqual([9e12, 9e12, 9e12, 9e12 + 1])
  })
})
