import { InvalidDurationError } from 'runutil'
import { Probe, ProbeTimeoutError } from 'runutil/testing'
import { expect, test } from 'vitest'

test('counts its hits and keeps their values in order', () => {
  const probe = new Probe<string>('polled')
  expect([probe.name, probe.count, probe.values]).toEqual(['polled', 0, []])
  probe.hit('a')
  probe.hit('b')
  expect([probe.count, probe.values]).toEqual([2, ['a', 'b']])
})

test('times resolves at once for hits that came, also more than asked for', async () => {
  const probe = new Probe<number>()
  for (const n of [1, 2, 3]) probe.hit(n)
  expect(await probe.times(0)).toEqual([1, 2, 3])
  expect(await probe.times(2)).toEqual([1, 2, 3])
  expect(await probe.times(3)).toEqual([1, 2, 3])
})

test('times waits for the hit that makes it so many, not for the one before', async () => {
  const probe = new Probe<number>()
  let settled = false
  const third = probe.times(3).then((values) => {
    settled = true
    return values
  })
  probe.hit(1)
  probe.hit(2)
  await Promise.resolve()
  expect(settled).toBe(false)
  probe.hit(3)
  expect(await third).toEqual([1, 2, 3])
})

test('next is the next hit from now on', async () => {
  const probe = new Probe<number>()
  probe.hit(1)
  const next = probe.next()
  probe.hit(2)
  probe.hit(3)
  expect(await next).toBe(2)
})

test('all who wait for the same hit hear of it', async () => {
  const probe = new Probe<number>()
  const waiting = [probe.times(1), probe.next(), probe.times(1)]
  probe.hit(7)
  expect(await Promise.all(waiting)).toEqual([[7], 7, [7]])
})

test.each([
  ['times', (probe: Probe) => probe.times(3)],
  ['next', (probe: Probe) => probe.next()],
])('%s fails, by name and count, when the moment does not come', async (_, waitFor) => {
  const probe = new Probe('polled', 5)
  probe.hit()
  const failed: unknown = await waitFor(probe).catch((error: unknown) => error)
  expect(failed).toBeInstanceOf(ProbeTimeoutError)
  expect(failed).toMatchObject({ code: 'ERR_PROBE_TIMEOUT', name: 'ProbeTimeoutError' })
  expect((failed as Error).message).toMatch(
    /^polled: expected to be hit \d times within 5 ms; was hit 1 times$/,
  )
})

test('a hit after the timeout harms nothing', async () => {
  const probe = new Probe<number>('late', 1)
  await expect(probe.times(1)).rejects.toThrow(ProbeTimeoutError)
  probe.hit(1)
  expect(await probe.times(1)).toEqual([1])
})

test.each([NaN, -1, 'soon'])('a timeout of %o is refused', (timeout) => {
  expect(() => new Probe('p', timeout)).toThrow(InvalidDurationError)
})
