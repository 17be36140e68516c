import { VirtualClock, jobStoreConformance } from 'runutil/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type JobStoreMaker, kindsOfJobStore } from '../support/queue/job-stores.ts'

describe.each(kindsOfJobStore)('a JobStore in $name', ({ open }) => {
  let stores: JobStoreMaker
  beforeAll(async () => void (stores = await open()))
  afterAll(() => stores?.close())

  it.each(Object.entries(jobStoreConformance))('%s', async (_, check) => {
    const clock = new VirtualClock()
    await check({ store: await stores.fresh(clock), clock })
    expect(clock.pending).toBe(0)
  })
})
