import { describe, expect, it } from 'vitest'
import { createCoordinate } from 'runutil/coordinate'
import { MemoryCoordinateStore } from '../../packages/runutil/src/coordinate/memory-coordinate-store.ts'

const coordinate = createCoordinate(new MemoryCoordinateStore())
const namespace = await coordinate.namespace('a')
const spec = await namespace.setWorkSpec({ name: 'spec' })
const unit = await spec.addWorkUnit('1', {})
const worker = await namespace.worker('w')
const [attempt] = await worker.requestAttempts()
const cycle: Record<string, unknown> = {}
cycle['self'] = cycle

describe('bad input', () => {
  it.each<[string, () => unknown, RegExp]>([
    ['no store', () => createCoordinate({} as never), /createCoordinate: expected a MemoryCoordinateStore/],
    [
      'an unknown option',
      () => createCoordinate(new MemoryCoordinateStore(), { clok: 1 } as never),
      /did you mean 'clock'/,
    ],
    [
      'a namespace that is no string',
      () => coordinate.namespace(1 as never),
      /namespace: name: expected a string; got 1/,
    ],
    ['a name with NUL', () => coordinate.namespace('a\0'), /without NUL/],
    [
      'data that is no object',
      () => namespace.setWorkSpec([] as never),
      /setWorkSpec: data: expected an object/,
    ],
    [
      'data with a cycle',
      () => spec.addWorkUnit('2', cycle),
      /addWorkUnits\[0\]: data: expected JSON: .*circular/,
    ],
    ['data with a BigInt', () => attempt!.finish({ n: 1n }), /data: expected JSON/],
    [
      'a name with half of a surrogate pair',
      () => spec.addWorkUnit('a\ud800', {}),
      /half of a surrogate pair/,
    ],
    ['a name that is too long', () => spec.addWorkUnit('é'.repeat(1_001), {}), /at most 2000 bytes/],
    [
      'data with half of a surrogate pair',
      () => attempt!.finish({ text: '\udfff' }),
      /half of a surrogate pair/,
    ],
    [
      'a lifetime without end',
      () => worker.requestAttempts({ lifetime: 1e15 }),
      /lifetime: expected at most/,
    ],
    ['a delay without end', () => attempt!.retry({}, 1e15), /retry: delay: expected at most/],
    ['an extension without end', () => attempt!.renew(1e15), /renew: extend: expected at most/],
    [
      'a limit that is no whole number',
      () => spec.setMeta({ maxRunning: 1.5 }),
      /maxRunning: expected a whole/,
    ],
    ['a negative limit', () => spec.setMeta({ maxRetries: -1 }), /maxRetries: expected a whole/],
    ['data with NUL', () => attempt!.renew('1m', { text: 'a\0' }), /renew: data: expected JSON without NUL/],
    [
      'a unit that has no name',
      () => spec.addWorkUnits([{ data: {} } as never]),
      /addWorkUnits\[0\]: name: expected a string/,
    ],
    [
      'a priority that is no number',
      () => unit.setPriority('1' as never),
      /setPriority: expected a number; got "1"/,
    ],
    [
      'a time that is none',
      () => unit.setMeta({ notBefore: new Date(Number.NaN) }),
      /notBefore: expected a valid Date/,
    ],
    [
      'an unknown field of a query',
      () => spec.workUnits({ name: '1' } as never),
      /unknown option 'name'; did you mean 'names'/,
    ],
    [
      'a limit of nothing',
      () => spec.workUnits({ limit: 0 }),
      /limit: expected a whole number of 1 or more; got 0/,
    ],
    [
      'a request for nothing',
      () => worker.requestAttempts({ numberOfWorkUnits: 0 }),
      /numberOfWorkUnits: expected a whole/,
    ],
    ['a lifetime that is none', () => worker.requestAttempts({ lifetime: 'long' as never }), /lifetime/],
    ['a unit from elsewhere', () => worker.makeAttempt({} as never), /makeAttempt: expected a work unit/],
    ['a parent that is no worker', () => worker.setParent({} as never), /setParent: expected a worker/],
    ['a delay that is none', () => attempt!.retry({}, -1), /retry: delay/],
  ])('%s', async (_, call, said) => {
    await expect(async () => call()).rejects.toThrow(said)
  })

  it('changes nothing', async () => {
    expect([...(await spec.workUnits()).keys()]).toEqual(['1'])
    expect(await attempt!.status()).toBe('pending')
    expect(await namespace.workSpecNames()).toEqual(['spec'])
  })
})
