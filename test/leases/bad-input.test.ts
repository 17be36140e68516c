import { InvalidArgumentError, InvalidDurationError } from 'runutil'
import {
  type LeaseStore,
  MemoryLeaseStore,
  distributedCron,
  distributedRepeat,
  singleton,
} from 'runutil/leases'
import { describe, expect, it } from 'vitest'

describe('bad input is an error at the call:', () => {
  const leases = new MemoryLeaseStore()
  const run = async (): Promise<void> => {}

  it.each<[string, () => unknown, string]>([
    [
      'no store',
      () => singleton({} as LeaseStore, 's', run),
      'singleton: expected a MemoryLeaseStore or PostgresLeaseStore; got an object {  }',
    ],
    [
      'an empty name',
      () => distributedRepeat(leases, '', '1s', run),
      "distributedRepeat: name: expected a name that isn't empty",
    ],
    [
      'a cron pattern for an interval',
      () => distributedRepeat(leases, 'a', '0 6 * * *', run),
      'got the cron pattern "0 6 * * *"; for a time of day use distributedCron(',
    ],
    [
      'an unknown policy for missed instants',
      () => distributedCron(leases, 'a', '@daily', run, { missed: 'onec' as never }),
      `distributedCron: missed: expected 'once' or 'skip'; got "onec"`,
    ],
    [
      'a worker instead of a job',
      () => distributedRepeat(leases, 'a', '1s', { run } as never),
      'it needs no repeating',
    ],
    [
      'a job instead of a worker',
      () => singleton(leases, 's', { runOnce: run } as never),
      'wrap it in repeat(every, job)',
    ],
    [
      'an unknown option',
      () => singleton(leases, 's', run, { leese: '1s' } as never),
      "did you mean 'lease'?",
    ],
    [
      'an unknown option of the store',
      () => new MemoryLeaseStore({ clok: 1 } as never),
      "did you mean 'clock'?",
    ],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(InvalidArgumentError)
    expect(call).toThrow(message)
  })

  it.each<[string, () => unknown]>([
    ['an interval of 0', () => distributedRepeat(leases, 'a', 0, run)],
    ['a lease of 0', () => singleton(leases, 's', run, { lease: 0 })],
    ['a lease that is no duration', () => singleton(leases, 's', run, { lease: 'long' })],
  ])('%s', (_, call) => {
    expect(call).toThrow(InvalidDurationError)
  })
})
