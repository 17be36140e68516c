import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Histogram, bucketNear } from '../../packages/runutil/src/core/histogram.ts'

/** The shortest duration that this share of all durations does not exceed. */
function exact(durations: readonly number[], share: number): number {
  const sorted = [...durations].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!
}

describe('a histogram of durations', () => {
  it.each([
    ['5.1 %', 7, 1.051],
    ['2.2 %', 16, 1.022],
  ])(
    'returns each percentile with an error of at most %s, with %d buckets per doubling, for any order of the durations',
    (_, perDoubling, most) => {
      const durations = fc.array(fc.double({ min: 0.011, max: 1e6, noNaN: true }), {
        minLength: 1,
        maxLength: 200,
      })
      fc.assert(
        fc.property(durations, fc.constantFrom(0.5, 0.95, 0.99, 1), (given, share) => {
          const histogram = new Histogram(perDoubling)
          for (const ms of given) histogram.add(ms)
          const ratio = histogram.percentile(share) / exact(given, share)
          expect(ratio).toBeGreaterThan(1 / most)
          expect(ratio).toBeLessThan(most)
        }),
      )
    },
  )

  it('finds the bucket of a duration from any other bucket, up to the last one', () => {
    const last = bucketNear(Infinity, 0)
    fc.assert(
      fc.property(fc.double({ min: 0, noNaN: true }), fc.nat(last), (ms, near) => {
        const bucket = bucketNear(ms, near)
        expect(bucket).toBe(bucketNear(ms, 0))
        const histogram = new Histogram()
        histogram.addTo(bucket, 1)
        if (ms > 0.01 && ms < 1e9) expect(histogram.percentile(1) / ms).toBeCloseTo(1, 0)
      }),
    )
  })

  it('returns the same when it is the sum of two', () => {
    const durations = fc.array(fc.double({ min: 0, max: 1e12, noNaN: true }))
    fc.assert(
      fc.property(durations, durations, (one, two) => {
        const all = new Histogram()
        const first = new Histogram()
        const second = new Histogram()
        for (const ms of [...one, ...two]) all.add(ms)
        for (const ms of one) first.add(ms)
        for (const ms of two) second.add(ms)
        first.addCounts(second.counts)
        expect(first.total).toBe(one.length + two.length)
        expect(first.percentile(0.5)).toBe(all.percentile(0.5))
        expect(first.percentile(0.99)).toBe(all.percentile(0.99))
      }),
    )
  })

  it('counts durations below its first bucket in the first, and those above its last in the last', () => {
    const histogram = new Histogram()
    histogram.add(1e12)
    histogram.add(0)
    expect(histogram.percentile(0.5)).toBe(0.01)
    expect(histogram.percentile(1)).toBeGreaterThan(3 * 3_600_000)
  })

  it('returns 0 if it is empty', () => {
    expect(new Histogram().percentile(0.5)).toBe(0)
  })
})
