import { systemClock } from 'runutil'
import { Probe } from 'runutil/testing'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { SystemClock } from '../../packages/runutil/src/core/clock-system.ts'

const LONGEST_NATIVE_DELAY = 2 ** 31 - 1

describe('in real time', () => {
  test('a timer never fires early, as measured by performance.now()', async () => {
    const clock = new SystemClock()
    const early = await Promise.all(
      Array.from({ length: 300 }, async (_, n) => {
        const delay = 1 + (n % 7) + Math.random()
        const begun = performance.now()
        const fired = new Probe(`timer ${n}`)
        clock.setTimeout(() => fired.hit(), delay)
        await fired.times(1)
        return performance.now() - begun - delay
      }),
    )
    expect(early.filter((late) => late < 0)).toEqual([])
  })

  test('a delay of 0 ms and a time in the past mean the next macrotask, not a microtask', async () => {
    const fired: string[] = []
    systemClock.setTimeout(() => fired.push('zero'), 0)
    systemClock.setTimeoutAt(() => fired.push('past'), systemClock.elapsed() - 1_000)
    for (let n = 0; n < 100; n++) await Promise.resolve()
    expect(fired).toEqual([])
    await new Promise((resolve) => setImmediate(resolve))
    expect(fired).toEqual(['zero', 'past'])
  })

  test('elapsed is constant during a turn of the event loop and advances in the next', async () => {
    const clock = new SystemClock()
    const begun = clock.elapsed()
    const until = performance.now() + 3
    while (performance.now() < until);
    expect(clock.elapsed()).toBe(begun)
    await new Promise((resolve) => setImmediate(resolve))
    expect(clock.elapsed()).toBeGreaterThanOrEqual(begun + 3)
  })

  test('a `performance` that a program puts in its place is read from the next turn on', async () => {
    const clock = new SystemClock()
    clock.elapsed()
    vi.stubGlobal('performance', { now: () => 42 })
    try {
      await new Promise((resolve) => setImmediate(resolve))
      expect(clock.elapsed()).toBe(42)
      expect(clock.elapsedNow()).toBe(42)
    } finally {
      vi.unstubAllGlobals()
    }
  })

  test('now is the time of day and random lies in [0, 1)', () => {
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1_000)
    const drawn = Array.from({ length: 1_000 }, () => systemClock.random())
    expect(drawn.every((n) => n >= 0 && n < 1)).toBe(true)
    expect(new Set(drawn).size).toBeGreaterThan(990)
  })
})

describe('on a stubbed native clock', () => {
  beforeEach(() => {
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'],
    })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test.each([LONGEST_NATIVE_DELAY, LONGEST_NATIVE_DELAY + 1, 2 ** 32, 5 * 2 ** 31, 2 ** 40])(
    'a timer of %d ms is split into native timers, and fires once',
    (delay) => {
      const clock = new SystemClock()
      const fired = vi.fn()
      clock.setTimeout(fired, delay)
      vi.advanceTimersByTime(delay - 1)
      expect(fired).not.toHaveBeenCalled()
      vi.advanceTimersByTime(1)
      expect(fired).toHaveBeenCalledTimes(1)
      expect(vi.getTimerCount()).toBe(0)
    },
  )

  test('timers fire in the order they are due, and those due at the same time in the order they were set', () => {
    const clock = new SystemClock()
    const fired: string[] = []
    const delays = [50, 10, 30, 10, 20, 50, 1, 40, 10]
    delays.forEach((delay, at) => clock.setTimeout(() => fired.push(`${delay}#${at}`), delay))
    vi.advanceTimersByTime(100)
    expect(fired).toEqual(['1#6', '10#1', '10#3', '10#8', '20#4', '30#2', '40#7', '50#0', '50#5'])
  })

  test('one native timer serves any number of timers, and is cleared with the last of them', () => {
    const clock = new SystemClock()
    const timers = Array.from({ length: 1_000 }, (_, n) => clock.setTimeout(() => {}, 1 + (n % 100)))
    expect(vi.getTimerCount()).toBe(1)
    for (const timer of timers) timer.clear()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('no native timer remains for a timer that was cleared while another was set', () => {
    const clock = new SystemClock()
    const far = clock.setTimeout(() => {}, 3_600_000)
    clock.setTimeout(() => {}, 5)
    far.clear()
    vi.advanceTimersByTime(5)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('a timer never fires after it was cleared, whether early, while others fire at its time, late or twice', () => {
    const clock = new SystemClock()
    const fired = vi.fn()
    const before = clock.setTimeout(fired, 10)
    const during = { clear: (): void => {} }
    clock.setTimeout(() => during.clear(), 20)
    const sameMoment = clock.setTimeout(fired, 20)
    during.clear = () => sameMoment.clear()
    const immediate = clock.setTimeout(fired, 0)
    before.clear()
    before.clear()
    immediate.clear()
    vi.advanceTimersByTime(100)
    sameMoment.clear()
    expect(fired).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('a timer can be restarted while it is pending, after it was cleared, and after it fired', () => {
    const clock = new SystemClock()
    const at: number[] = []
    const begun = clock.elapsed()
    const timer = clock.setTimeout(() => at.push(performance.now() - begun), 10)
    timer.restartAt(begun + 20)
    vi.advanceTimersByTime(15)
    expect(at).toEqual([])
    vi.advanceTimersByTime(5)
    timer.restartAt(begun + 30)
    vi.advanceTimersByTime(10)
    timer.clear()
    timer.restartAt(begun + 40)
    vi.advanceTimersByTime(60)
    expect(at).toEqual([20, 30, 40])
  })

  test('a timer that restarts itself does not drift', async () => {
    const clock = new SystemClock()
    const at: number[] = []
    const timer = clock.setTimeoutAt(() => {
      at.push(performance.now())
      timer.restartAt(20 * (at.length + 1))
    }, 20)
    await vi.advanceTimersByTimeAsync(2_000)
    timer.clear()
    expect(at).toEqual(Array.from({ length: 100 }, (_, n) => 20 * (n + 1)))
  })

  test('a timer that is due earlier fires first, even if it was set later', () => {
    const clock = new SystemClock()
    const fired: number[] = []
    for (const delay of [1_000, 100, 10]) clock.setTimeout(() => fired.push(delay), delay)
    vi.advanceTimersByTime(10)
    expect(fired).toEqual([10])
    vi.advanceTimersByTime(1_000)
    expect(fired).toEqual([10, 100, 1_000])
  })

  test('clearing the earliest of many leaves the others on time', () => {
    const clock = new SystemClock()
    const fired: number[] = []
    const timers = Array.from({ length: 500 }, (_, n) => clock.setTimeout(() => fired.push(n + 1), n + 1))
    for (const [at, timer] of timers.entries()) if (at % 10 !== 9) timer.clear()
    vi.advanceTimersByTime(500)
    expect(fired).toEqual(Array.from({ length: 50 }, (_, n) => 10 * (n + 1)))
  })

  test.each([NaN])('%d is rejected at the call, since it would stop all other timers', (moment) => {
    const clock = new SystemClock()
    expect(() => clock.setTimeout(() => {}, moment)).toThrow(RangeError)
    expect(() => clock.setTimeoutAt(() => {}, moment)).toThrow(RangeError)
    const fired = vi.fn()
    clock.setTimeout(fired, 5)
    vi.advanceTimersByTime(5)
    expect(fired).toHaveBeenCalledTimes(1)
  })

  test('a timer of Infinity never fires and delays no other', () => {
    const clock = new SystemClock()
    const never = vi.fn()
    const soon = vi.fn()
    const timer = clock.setTimeout(never, Infinity)
    clock.setTimeout(soon, 5)
    vi.advanceTimersByTime(2 ** 40)
    expect([never.mock.calls.length, soon.mock.calls.length]).toEqual([0, 1])
    timer.clear()
    expect(vi.getTimerCount()).toBe(0)
  })
})

test('a throwing callback reaches the process and stops no other timer', async () => {
  const caught = new Probe<Error>('uncaught exception')
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.once('uncaughtException', (error) => caught.hit(error))
  try {
    const fired = new Probe('the other')
    const clock = new SystemClock()
    const due = performance.now() + 2
    clock.setTimeoutAt(() => {
      throw new Error('from a timer')
    }, due)
    clock.setTimeoutAt(() => fired.hit(), due)
    await fired.times(1)
    const [error] = await caught.times(1)
    expect(error).toMatchObject({ message: 'from a timer' })
  } finally {
    for (const other of others) process.on('uncaughtException', other)
  }
})
