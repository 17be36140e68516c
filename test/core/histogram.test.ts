import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Histogram } from '../../packages/runutil/src/core/histogram.ts'

/** The shortest that this share of all stayed within. */
function exact(durations: readonly number[], share: number): number {
  const sorted = [...durations].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!
}

describe('a histogram of durations', () => {
  it('gives each percentile to 10 % of what it is, in whatever order they came', () => {
    const durations = fc.array(fc.double({ min: 0.011, max: 1e6, noNaN: true }), {
      minLength: 1,
      maxLength: 200,
    })
    fc.assert(
      fc.property(durations, fc.constantFrom(0.5, 0.95, 0.99, 1), (given, share) => {
        const histogram = new Histogram()
        for (const ms of given) histogram.add(ms)
        const ratio = histogram.percentile(share) / exact(given, share)
        expect(ratio).toBeGreaterThan(0.999)
        expect(ratio).toBeLessThan(1.101)
      }),
    )
  })

  it('counts what is shorter than its first bucket there, and what is longer than its last in that', () => {
    const histogram = new Histogram()
    histogram.add(1e12)
    histogram.add(0)
    expect(histogram.percentile(0.5)).toBe(0.01)
    expect(histogram.percentile(1)).toBeGreaterThan(3 * 3_600_000)
  })

  it('is 0 of none', () => {
    expect(new Histogram().percentile(0.5)).toBe(0)
  })
})
