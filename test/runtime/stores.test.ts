import { AsyncLocalStorage } from 'node:async_hooks'
import { type Clock, type Runnable, currentName, repeat, runAllWorkers, systemClock, wait } from 'runutil'
import { Probe, VirtualClock } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import { untilAbort } from '../support/outcome.ts'

const storage = new AsyncLocalStorage<string>()
const store = (): string | undefined => storage.getStore()

/** A worker that is started in its own async context. */
const startedIn = (name: string, start: (signal: AbortSignal) => Promise<void>): Runnable => ({
  name,
  worker: (signal) => storage.run(name, () => start(signal)),
})

/** Runs two repeated jobs beside requests, and returns the stores that each run has found. */
async function runsBeside(clock: Clock, passes?: (over: Promise<unknown>) => void): Promise<Set<string>> {
  const seen = new Set<string>()
  const probe = new Probe<string>('runs')
  const job = (name: string) => async (): Promise<void> => {
    seen.add(`${name} in ${store()} as ${currentName()}`)
    await Promise.resolve()
    seen.add(`${name} in ${store()} after an await`)
    probe.hit(name)
  }
  const tenant = (name: string, every: number): Runnable =>
    startedIn(name, (signal) => repeat(every, job(name), { startImmediately: true }).run(signal))
  const requests = async (signal: AbortSignal): Promise<void> => {
    for (let n = 0; !signal.aborted; n++) await storage.run(`request ${n}`, () => wait(3))
  }
  const stop = new AbortController()
  const workers = [tenant('a', 4), tenant('b', 7), requests]
  const run = storage.run('of the run', () => runAllWorkers(workers, stop.signal, { clock }))
  const over = probe.times(60).then(() => stop.abort())
  passes?.(over)
  await Promise.all([over, run])
  return seen
}

describe('a repeated job runs in the async context in which its worker was started', () => {
  const expected = ['a', 'b'].flatMap((name) => [
    `${name} in ${name} as /${name}`,
    `${name} in ${name} after an await`,
  ])

  test('on the system clock', async () => {
    expect([...(await runsBeside(systemClock))].sort()).toEqual(expected.sort())
  })

  test('on a virtual clock, whatever advances it', async () => {
    const clock = new VirtualClock()
    const move = async (over: Promise<unknown>): Promise<void> => {
      let isOver = false
      void over.then(() => (isOver = true))
      while (!isOver) await storage.run('of who moves it', () => clock.advance(10))
    }
    expect([...(await runsBeside(clock, (over) => void move(over)))].sort()).toEqual(expected.sort())
  })

  test('on a clock that calls back in any context', async () => {
    const clock: Clock = {
      now: () => 0,
      elapsed: () => systemClock.elapsed(),
      random: () => 0.5,
      setTimeout: (callback, ms) => storage.run('of the clock', () => systemClock.setTimeout(callback, ms)),
      setTimeoutAt: (callback, at) =>
        storage.run('of the clock', () => systemClock.setTimeoutAt(callback, at)),
    }
    expect([...(await runsBeside(clock))].sort()).toEqual(expected.sort())
  })

  test('without anything that an earlier run has entered', async () => {
    const clock = new VirtualClock({ auto: true })
    const other = new AsyncLocalStorage<string>()
    const stop = new AbortController()
    const seen: unknown[] = []
    const job = (): void => {
      seen.push([store(), other.getStore()])
      storage.enterWith('entered')
      other.enterWith('entered')
      if (seen.length === 3) stop.abort()
    }
    const worker = startedIn('own', (signal) => repeat(10, job, { startImmediately: true }).run(signal))
    await runAllWorkers([worker], stop.signal, { clock })
    expect(seen).toEqual(Array.from({ length: 3 }, () => ['own', undefined]))
  })
})

describe('abort listeners of a worker are called in the async context of its run', () => {
  const listening =
    (seen: unknown[]) =>
    (signal: AbortSignal): Promise<void> => {
      signal.addEventListener('abort', () => seen.push(store()))
      return untilAbort(signal)
    }

  test('if the caller aborts in another context', async () => {
    const seen: unknown[] = []
    const stop = new AbortController()
    const run = storage.run('of the run', () => runAllWorkers([listening(seen)], stop.signal))
    storage.run('of a request', () => stop.abort())
    await run
    expect(seen).toEqual(['of the run'])
  })

  test('if another worker ends in its own context', async () => {
    const seen: unknown[] = []
    const ends = startedIn('of another', () => wait(1))
    await storage.run('of the run', () => runAllWorkers([listening(seen), ends]).catch(() => {}))
    expect(seen).toEqual(['of the run'])
  })
})
