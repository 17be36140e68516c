import { describe, expect, it } from 'vitest'
import { changedMeta, metaChange } from '../../packages/runutil/src/coordinate/meta-change.ts'
import { type WorkSpecMeta, metaOf } from '../../packages/runutil/src/coordinate/work-spec-meta.ts'

describe('setMeta', () => {
  const meta: WorkSpecMeta = {
    ...metaOf({ name: 'a', then: 'next' }),
    nextContinuous: undefined,
    availableCount: 3,
    pendingCount: 2,
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
    expect(changedMeta(meta, metaChange(given))).toEqual({ ...meta, ...given, ...kept })
  })

  it('sets continuous where it can be', () => {
    const can = { ...meta, canBeContinuous: true }
    expect(changedMeta(can, { continuous: true }).continuous).toBe(true)
    expect(changedMeta({ ...can, continuous: true }, { continuous: false }).continuous).toBe(false)
  })

  it('leaves alone what it is given no value for, but takes back when a continuous spec goes on', () => {
    const given = { ...meta, nextContinuous: new Date(1_000), weight: 3 }
    expect(changedMeta(given, metaChange({ weight: undefined } as unknown as Partial<WorkSpecMeta>))).toEqual(
      given,
    )
    expect(changedMeta(given, metaChange({ nextContinuous: undefined })).nextContinuous).toBeUndefined()
  })

  it.each([
    [{ weight: '3' }, 'setMeta: weight: expected a number; got "3"'],
    [{ maxRunning: Number.NaN }, 'setMeta: maxRunning: expected a number; got NaN'],
    [{ paused: 1 }, 'setMeta: paused: expected true or false; got 1'],
    [{ nextContinuous: 5 }, 'setMeta: nextContinuous: expected a valid Date; got 5'],
    [{ max_running: 5 }, "setMeta: unknown option 'max_running'; did you mean 'maxRunning'?"],
  ])('of %j throws', (given, message) => {
    expect(() => metaChange(given as Partial<WorkSpecMeta>)).toThrow(message)
  })
})
