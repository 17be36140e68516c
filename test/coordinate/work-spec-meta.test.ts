import { describe, expect, it, test } from 'vitest'
import { metaOf, nameIn } from '../../packages/runutil/src/coordinate/work-spec-meta.ts'

const DEFAULTS = {
  priority: 0,
  weight: 20,
  paused: false,
  continuous: false,
  canBeContinuous: false,
  minMemoryGb: 0,
  interval: 0,
  maxRunning: 0,
  maxAttemptsReturned: 0,
  maxRetries: 0,
  nextWorkSpecName: '',
  runtime: '',
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
    [{ max_running: 2.5, max_getwork: -1, max_retries: 1e300 }, {}],
    [{ interval: 1e300 }, { interval: 1e14 }],
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
