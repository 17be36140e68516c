import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Histogram } from '../../packages/runutil/src/core/histogram.ts'
import { RunTimes } from '../../packages/runutil/src/core/run-times.ts'

it('the durations of all runs are counted as a histogram counts them, whenever they are looked at', () => {
  const around = (ms: number) => fc.double({ min: ms / 2, max: ms * 2, noNaN: true })
  const alike = fc
    .constantFrom(0.001, 0.05, 1, 1_000)
    .chain((ms) => fc.array(around(ms), { minLength: 1, maxLength: 60 }))
  const any = fc.array(fc.double({ min: 0, max: 1e10, noNaN: true }), { maxLength: 20 })
  const look = fc.constant<number[]>([])
  fc.assert(
    fc.property(fc.array(fc.oneof(alike, any, look), { maxLength: 10 }), (parts) => {
      const run = new RunTimes()
      const all = new Histogram()
      for (const part of parts) {
        for (const ms of part) {
          run.addRun(0, ms, false)
          all.add(ms)
        }
        if (part.length > 0) continue
        expect(run.latency.counts).toEqual(all.counts)
      }
      expect(run.latency.total).toBe(all.total)
      expect(run.latency.percentile(0.9)).toBe(all.percentile(0.9))
    }),
  )
})
