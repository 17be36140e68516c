import { describe, expect, it, test } from 'vitest'
import {
  type WorkSpecMeta,
  changedMeta,
  metaOf,
  nameIn,
} from '../../packages/runutil/src/coordinate/work-spec-meta.ts'

const DEFAULTS = {
  ...{ priority: 0, weight: 20, paused: false, continuous: false, canBeContinuous: false, minMemoryGb: 0 },
  ...{ interval: 0, maxRunning: 0, maxAttemptsReturned: 0, maxRetries: 0, nextWorkSpecName: '', runtime: '' },
}

describe("a spec's meta, from its data", () => {
  test.each([
    [{}, {}],
    [{ priority: -3 }, { priority: -3 }],
    [{ weight: 7 }, { weight: 7 }],
    [{ weight: 0 }, { weight: 0 }],
    [{ nice: 5 }, { weight: 15 }],
    [{ nice: -5 }, { weight: 25 }],
    [{ nice: 100 }, { weight: 1 }],
    [{ weight: 7, nice: 5 }, { weight: 7 }],
    [{ disabled: true }, { paused: true }],
    [{ continuous: true }, { continuous: true, canBeContinuous: true }],
    [{ interval: 90 }, { interval: 90_000 }],
    [{ max_running: 4 }, { maxRunning: 4 }],
    [{ max_getwork: 5 }, { maxAttemptsReturned: 5 }],
    [{ max_retries: 6 }, { maxRetries: 6 }],
    [{ then: 'next' }, { nextWorkSpecName: 'next' }],
    [{ runtime: 'node' }, { runtime: 'node' }],
    [{ min_gb: 1.5 }, { minMemoryGb: 1.5 }],
    [{ priority: '1', weight: null, nice: [], disabled: 1, continuous: 'yes', interval: true }, {}],
    [{ max_running: '4', max_getwork: {}, max_retries: Number.NaN, then: 1, runtime: 2, min_gb: '3' }, {}],
  ])('of %j is the default but for %j', (data, expected) => {
    expect(metaOf({ name: 'a', ...data })).toEqual({ ...DEFAULTS, ...expected })
  })
})

describe("a spec's name", () => {
  it('is what the data says', () => expect(nameIn({ name: '' })).toBe(''))
  it.each([
    [{}, 'ErrNoWorkSpecName'],
    [{ name: undefined }, 'ErrNoWorkSpecName'],
    [{ name: 1 }, 'ErrBadWorkSpecName'],
    [{ name: null }, 'ErrBadWorkSpecName'],
  ])('of %j throws %s', (data, name) => {
    expect(() => nameIn(data)).toThrow(expect.objectContaining({ name }))
  })
})

describe('setMeta', () => {
  const meta: WorkSpecMeta = {
    ...{ ...DEFAULTS, nextContinuous: undefined, availableCount: 3, pendingCount: 2 },
    nextWorkSpecName: 'next',
  }
  const nextContinuous = new Date(5_000)

  it.each([
    [{ priority: 1, weight: 2, paused: true, minMemoryGb: 3 }, {}],
    [{ interval: 1, maxRunning: 2, maxAttemptsReturned: 3, maxRetries: 4, nextContinuous }, {}],
    [
      { canBeContinuous: true, runtime: 'go', nextWorkSpecName: 'other' },
      { canBeContinuous: false, runtime: '', nextWorkSpecName: 'next' },
    ],
    [
      { availableCount: 9, pendingCount: 9 },
      { availableCount: 3, pendingCount: 2 },
    ],
    [{ continuous: true }, { continuous: false }],
  ])('changes %j, but for %j', (given, kept) => {
    expect(changedMeta(meta, given)).toEqual({ ...meta, ...given, ...kept })
  })

  it('sets continuous where it can be', () => {
    const can = { ...meta, canBeContinuous: true }
    expect(changedMeta(can, { continuous: true }).continuous).toBe(true)
    expect(changedMeta({ ...can, continuous: true }, { continuous: false }).continuous).toBe(false)
  })
})
