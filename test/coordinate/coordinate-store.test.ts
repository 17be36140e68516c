import { VirtualClock } from 'runutil/testing'
import { describe, expect, it } from 'vitest'
import { createCoordinate } from '../../packages/runutil/src/coordinate/coordinate.ts'
import { MemoryCoordinateStore } from '../../packages/runutil/src/coordinate/memory-coordinate-store.ts'
import { coordinateConformance } from '../../packages/runutil/src/testing/coordinate-conformance.ts'

describe('coordinate, in memory', () => {
  it.each(Object.entries(coordinateConformance))('%s', async (_, check) => {
    const clock = new VirtualClock()
    await check({ coordinate: createCoordinate(new MemoryCoordinateStore(), { clock }), clock })
    expect(clock.pending).toBe(0)
  })
})
