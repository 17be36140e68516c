import { InvalidArgumentError, InvalidDurationError, repeat, runAllWorkers, wait } from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import { macrotask } from '../../packages/runutil/src/core/event-loop.ts'
import { sleep } from '../../packages/runutil/src/core/wait.ts'

describe('time', () => {
  test('begins at the year 2000 or where it is told, and elapsed at 0', () => {
    expect(new Date(new VirtualClock().now()).toISOString()).toBe('2000-01-01T00:00:00.000Z')
    expect(new VirtualClock({ now: 5 }).now()).toBe(5)
    expect(new VirtualClock({ now: 5 }).elapsed()).toBe(0)
  })

  test('stands still unless it is moved', async () => {
    const clock = new VirtualClock()
    let fired = false
    clock.setTimeout(() => (fired = true), 1)
    for (let turn = 0; turn < 50; turn++) await macrotask()
    expect([fired, clock.elapsed()]).toEqual([false, 0])
  })

  test('now and elapsed move together, by exactly what is asked', async () => {
    const clock = new VirtualClock({ now: 1_000 })
    await clock.advance('1d')
    await clock.advance(0.25)
    expect([clock.now(), clock.elapsed()]).toEqual([86_401_000.25, 86_400_000.25])
  })

  test('the time of day may be set, and timers fire when they would have', async () => {
    const clock = new VirtualClock({ now: 5_000 })
    const fired: number[] = []
    for (const delay of [100, 200]) clock.setTimeout(() => fired.push(clock.now()), delay)
    await clock.advance(150)
    clock.set(0)
    await clock.advance(50)
    expect([fired, clock.elapsed()]).toEqual([[5_100, 50], 200])
  })

  test('a timer sees its own moment, not the one that is advanced to', async () => {
    const clock = new VirtualClock()
    const seen: number[] = []
    for (const delay of [300, 100, 200]) clock.setTimeout(() => seen.push(clock.elapsed()), delay)
    await clock.advance(1_000)
    expect(seen).toEqual([100, 200, 300])
    expect(clock.elapsed()).toBe(1_000)
  })

  test('fires what is due at the end of an advance, not what comes after', async () => {
    const clock = new VirtualClock()
    const fired: number[] = []
    for (const delay of [99, 100, 101]) clock.setTimeout(() => fired.push(delay), delay)
    await clock.advance(100)
    expect(fired).toEqual([99, 100])
    expect(clock.pending).toBe(1)
  })

  test('timers of one moment fire in the order they were set, one set again last', async () => {
    const clock = new VirtualClock()
    const fired: string[] = []
    const [a] = ['a', 'b', 'c'].map((name) => clock.setTimeout(() => fired.push(name), 10))
    a!.restartAt(10)
    await clock.advance(10)
    expect(fired).toEqual(['b', 'c', 'a'])
  })

  test('what a timer wakes runs before time goes on', async () => {
    const clock = new VirtualClock()
    const seen: number[] = []
    const chain = async (): Promise<void> => {
      for (let n = 0; n < 5; n++) {
        await sleep(clock, 10)
        for (let hop = 0; hop < 20; hop++) await Promise.resolve()
        await macrotask()
        seen.push(clock.elapsed())
      }
    }
    const done = chain()
    await clock.advance('1h')
    await done
    expect(seen).toEqual([10, 20, 30, 40, 50])
  })

  test('a timer of 0 ms or in the past needs no advance but a macrotask', async () => {
    const clock = new VirtualClock()
    await clock.advance(50)
    const fired: string[] = []
    clock.setTimeout(() => fired.push('zero'), 0)
    clock.setTimeoutAt(() => fired.push('past'), 20)
    await Promise.resolve()
    expect(fired).toEqual([])
    await macrotask()
    await macrotask()
    expect(fired).toEqual(['zero', 'past'])
    expect([clock.elapsed(), clock.pending]).toEqual([50, 0])
  })

  test('a cleared timer never fires, and may be set again', async () => {
    const clock = new VirtualClock()
    const at: number[] = []
    const timer = clock.setTimeout(() => at.push(clock.elapsed()), 10)
    const immediate = clock.setTimeout(() => at.push(-1), 0)
    timer.clear()
    timer.clear()
    immediate.clear()
    await clock.advance(20)
    expect(at).toEqual([])
    timer.restartAt(30)
    await clock.advance(20)
    timer.restartAt(50)
    await clock.advance(20)
    expect(at).toEqual([30, 50])
  })

  test('advances that overlap come one after another', async () => {
    const clock = new VirtualClock()
    const seen: number[] = []
    clock.setTimeout(() => seen.push(clock.elapsed()), 150)
    const both = [clock.advance(100), clock.advance(100)]
    await Promise.all(both)
    expect(seen).toEqual([150])
    expect(clock.elapsed()).toBe(200)
  })

  test('an endless chain of 0 ms timers does not hold an advance up for ever', async () => {
    const clock = new VirtualClock()
    let rounds = 0
    const timer = clock.setTimeout(() => {
      rounds++
      timer.restartAt(0)
    }, 0)
    await clock.advance(10)
    timer.clear()
    expect(rounds).toBeGreaterThan(10)
    expect(clock.elapsed()).toBe(10)
  })

  test.each([NaN, -1, Infinity, 'soon', ''])('advance(%o) is refused at the call', (duration) => {
    expect(() => new VirtualClock().advance(duration)).toThrow(InvalidDurationError)
  })

  test('a timer of NaN is refused and holds nothing up', async () => {
    const clock = new VirtualClock()
    expect(() => clock.setTimeout(() => {}, NaN)).toThrow(InvalidDurationError)
    expect(() => clock.setTimeoutAt(() => {}, NaN)).toThrow(InvalidDurationError)
    let fired = false
    clock.setTimeout(() => (fired = true), 5)
    await clock.advance(5)
    expect(fired).toBe(true)
  })
})

describe('by itself', () => {
  test('it jumps from timer to timer when everything waits', async () => {
    const clock = new VirtualClock({ auto: true })
    const real = performance.now()
    const seen: number[] = []
    for (const duration of ['1h', '1d', '30d']) {
      await sleep(clock, toHours(duration) * 3_600_000)
      seen.push(clock.elapsed() / 3_600_000)
    }
    expect(seen).toEqual([1, 25, 745])
    expect(performance.now() - real).toBeLessThan(2_000)
  })

  test('it jumps anew after a time without timers', async () => {
    const clock = new VirtualClock({ auto: true })
    for (let round = 1; round <= 20; round++) {
      await sleep(clock, 10)
      for (let turn = 0; turn < round % 7; turn++) await macrotask()
      for (let hop = 0; hop < round; hop++) await Promise.resolve()
    }
    expect(clock.elapsed()).toBe(200)
  })

  test('a day of repeats passes in no time', async () => {
    const clock = new VirtualClock({ auto: true })
    const stop = new AbortController()
    let runs = 0
    const job = (): void => {
      if (++runs === 24) stop.abort()
    }
    await runAllWorkers([repeat('1h', job)], stop.signal, { clock })
    expect(clock.elapsed()).toBe(24 * 3_600_000)
    expect(clock.pending).toBe(0)
  })

  test('many sleepers wake in the order of their times', async () => {
    const clock = new VirtualClock({ auto: true })
    const delays = Array.from({ length: 200 }, (_, n) => ((n * 7919) % 200) + 1)
    const woke: number[] = []
    await Promise.all(delays.map((delay) => sleep(clock, delay).then(() => woke.push(delay))))
    expect(woke).toEqual([...delays].sort((a, b) => a - b))
  })
})

describe('randomness', () => {
  test('draws the same for the same seed and something else for another', () => {
    const draw = (seed?: number): number[] => {
      const clock = new VirtualClock(seed === undefined ? {} : { seed })
      return Array.from({ length: 20 }, () => clock.random())
    }
    expect(draw()).toEqual(draw(1))
    expect(draw(7)).toEqual(draw(7))
    expect(draw(7)).not.toEqual(draw(8))
  })

  test('lies evenly in [0, 1)', () => {
    const clock = new VirtualClock()
    const drawn = Array.from({ length: 10_000 }, () => clock.random())
    expect(drawn.every((n) => n >= 0 && n < 1)).toBe(true)
    const perTenth = Array.from(
      { length: 10 },
      (_, at) => drawn.filter((n) => Math.floor(n * 10) === at).length,
    )
    expect(Math.min(...perTenth)).toBeGreaterThan(850)
  })
})

test.each([
  [{ auot: true }, "VirtualClock: unknown option 'auot'; did you mean 'auto'?"],
  [{ start: 5 }, "VirtualClock: unknown option 'start'"],
  [null, 'VirtualClock: expected an options object'],
])('options %j are refused', (options, message) => {
  expect(() => new VirtualClock(options as never)).toThrow(InvalidArgumentError)
  expect(() => new VirtualClock(options as never)).toThrow(message)
})

test('is what wait() in a group goes by, and outside of one it is not', async () => {
  const clock = new VirtualClock({ auto: true })
  const stop = new AbortController()
  const worker = async (signal: AbortSignal): Promise<void> => {
    await wait('10h', signal)
    stop.abort()
  }
  await runAllWorkers([worker], stop.signal, { clock })
  expect(clock.elapsed()).toBe(36_000_000)
  await wait(1)
  expect(clock.elapsed()).toBe(36_000_000)
})

function toHours(duration: string): number {
  return duration.endsWith('d') ? 24 * parseInt(duration) : parseInt(duration)
}
