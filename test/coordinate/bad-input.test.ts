import { describe, expect, it } from 'vitest'
import { createCoordinate } from 'runutil/coordinate'
import { notJson } from '../support/not-json.ts'
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
      /addWorkUnits\[0\]: data: expected a JSON value; .*circular/,
    ],
    [
      'data with a BigInt',
      () => attempt!.finish({ n: 1n }),
      /finished: data: expected a JSON value; .*BigInt/,
    ],
    [
      'a name with half of a surrogate pair',
      () => spec.addWorkUnit('a\ud800', {}),
      /without NUL characters and unpaired surrogates/,
    ],
    ['a name that is too long', () => spec.addWorkUnit('é'.repeat(1_001), {}), /at most 2000 bytes/],
    [
      'data with half of a surrogate pair',
      () => attempt!.finish({ text: '\udfff' }),
      /without NUL characters and unpaired surrogates/,
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
    ['a unit of a name with NUL', () => spec.workUnit('\0'), /workUnit: name: expected text without NUL/],
    [
      'a spec of a name with NUL',
      () => namespace.workSpec('\0'),
      /workSpec: name: expected text without NUL/,
    ],
    [
      'names with NUL in a query',
      () => spec.workUnits({ names: ['a', '\0'] }),
      /workUnits: names\[1\]: expected text without NUL/,
    ],
    [
      'a page after half of a surrogate pair',
      () => spec.deleteWorkUnits({ previousName: '\ud800' }),
      /deleteWorkUnits: previousName: expected text without/,
    ],
    [
      'a request for specs by a name that is no list',
      () => worker.requestAttempts({ workSpecs: 'spec' as never }),
      /requestAttempts: workSpecs: expected an array of strings/,
    ],
    [
      'a mode with NUL',
      () => worker.update({ data: {}, now: new Date(0), expiration: new Date(0), mode: '\0' }),
      /update: mode: expected text without NUL/,
    ],
    [
      'an expiration that is no time',
      () => worker.update({ data: {}, now: new Date(0), expiration: new Date(Number.NaN), mode: '' }),
      /update: expiration: expected a valid Date/,
    ],
    [
      'a limit of nothing',
      () => spec.workUnits({ limit: 0 }),
      /limit: expected a whole number of 1 or more; got 0/,
    ],
    [
      'a status that there is not',
      () => spec.retryWorkUnits({ statuses: ['failed', 'fialed' as never] }),
      /^retryWorkUnits: statuses\[1\]: expected one of available, pending, finished, failed, delayed; got "fialed"; did you mean 'failed'\?$/,
    ],
    [
      'one status instead of a list',
      () => spec.workUnits({ statuses: 'failed' as never }),
      /^workUnits: statuses: expected an array of statuses; got "failed"$/,
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

  it.each(notJson)('%s is not stored as something else', async (_, make) => {
    const data = { field: [make()] }
    const calls: Record<string, () => Promise<unknown>> = {
      setWorkSpec: () => namespace.setWorkSpec({ name: 'other', ...data }),
      setData: () => spec.setData({ name: 'spec', ...data }),
      addWorkUnits: () => spec.addWorkUnits([{ name: '2', data }]),
      update: () => worker.update({ data, now: new Date(), expiration: new Date(), mode: '' }),
      renew: () => attempt!.renew('1m', data),
      expire: () => attempt!.expire(data),
      finish: () => attempt!.finish(data),
      fail: () => attempt!.fail(data),
      retry: () => attempt!.retry(data),
    }
    for (const [call, refused] of Object.entries(calls)) {
      await expect(refused(), call).rejects.toMatchObject({
        name: 'InvalidArgumentError',
        code: 'ERR_INVALID_ARGUMENT',
        message: expect.stringMatching(/data.*: expected a JSON value; /) as string,
      })
    }
  })

  it('changes nothing', async () => {
    expect([...(await spec.workUnits()).keys()]).toEqual(['1'])
    expect(await attempt!.status()).toBe('pending')
    expect(await namespace.workSpecNames()).toEqual(['spec'])
  })
})
