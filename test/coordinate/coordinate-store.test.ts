import { VirtualClock } from 'runutil/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCoordinate } from 'runutil/coordinate'
import { coordinateConformance } from '../../packages/runutil/src/testing/coordinate-conformance.ts'
import { type CoordinateStoreMaker, kindsOfCoordinateStore } from '../support/coordinate/coordinate-stores.ts'

describe.each(kindsOfCoordinateStore)('coordinate in $name', ({ open }) => {
  let stores: CoordinateStoreMaker
  beforeAll(async () => void (stores = await open()))
  afterAll(() => stores?.close())

  it.each(Object.entries(coordinateConformance))('%s', async (_, check) => {
    const clock = new VirtualClock()
    await check({ coordinate: createCoordinate(await stores.fresh(), { clock }), clock })
    expect(clock.pending).toBe(0)
  })
})
