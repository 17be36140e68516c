import { runAllWorkers, wait } from 'runutil'
import {
  type JobStore,
  JobQueue,
  type KindOptions,
  MemoryJobStore,
  QueueWorker,
  type QueueWorkerOptions,
} from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, it, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { breakableQueue, freshWorker } from '../support/queue/fresh-worker.ts'
import { ScriptedHandler } from '../support/queue/scripted-handler.ts'

const ids = (length: number): string[] => Array.from({ length }, (_, at) => `${at + 1}`)

/** Two workers of kind 'a' on one queue, each with its options. */
async function beside(one: KindOptions & QueueWorkerOptions, two: KindOptions & QueueWorkerOptions) {
  const fresh = breakableQueue()
  const script = new ScriptedHandler()
  const workers = [one, two].map(({ concurrency, keyConcurrency, rate, ...options }) =>
    freshWorker(script.handle, {
      fresh,
      concurrency: 5,
      ...options,
      limits: { concurrency, keyConcurrency, rate },
    }),
  )
  const running = [await workers[0]!.run(), await workers[1]!.run()]
  const warnings = workers.map(
    ({ lines }) =>
      () =>
        lines.filter(({ level }) => level === 40).map(({ msg }) => msg),
  )
  const stop = async (): Promise<void> => {
    const stopped = Promise.all(running.map((each) => each.stop()))
    for (const call of script.calls.values) call.return()
    await stopped
  }
  return { ...fresh, ...workers[0]!, script, running, warnings, stop }
}

describe('beside a worker that registers a kind without limits', () => {
  it('its limits hold for both', async () => {
    const { clock, enqueue, script, stop } = await beside({ concurrency: 1 }, {})
    await enqueue(...ids(6))
    await clock.advance('10s')
    expect(script.ids).toEqual(['1'])
    for (const id of ids(5)) {
      ;(await script.call(id)).return()
      await clock.advance('2s')
      expect(script.ids).toHaveLength(Number(id) + 1)
    }
    await stop()
  })

  it('they hold for the rest of its word when it dies, and not longer than 2 minutes', async () => {
    const fresh = breakableQueue()
    const script = new ScriptedHandler()
    const { clock, enqueue, run } = freshWorker(script.handle, { fresh, concurrency: 5 })
    const limits = { concurrency: 1, keyConcurrency: undefined, rate: undefined }
    const retention = { doneMs: Infinity, failedMs: Infinity }
    await fresh.queue.store.setRules('dead', new Map([['a', { limits, retention }]]))
    const { stop } = await run()
    await enqueue(...ids(3))
    await clock.advance('100s')
    expect(script.ids).toEqual(['1'])
    await clock.advance('20s')
    expect(script.ids).toEqual(ids(3))
    const stopped = stop()
    for (const call of script.calls.values) call.return()
    await stopped
  })

  it('they end with its stop', async () => {
    const { clock, enqueue, script, running, stop } = await beside({ concurrency: 1 }, {})
    await enqueue(...ids(3))
    const first = await script.call('1')
    first.return()
    await clock.advance('1s')
    expect(script.ids).toEqual(['1', '2'])
    const stopped = running[0]!.abort()
    for (const call of script.calls.values) call.return()
    await stopped
    await clock.advance('3s')
    await enqueue('4', '5', '6')
    await clock.advance('2s')
    expect(script.ids).toEqual(expect.arrayContaining(['3', '4', '5', '6']))
    await stop()
  })

  it('both say so, once', async () => {
    const { clock, warnings, stop } = await beside({ concurrency: 1, rate: { limit: 3, per: '2s' } }, {})
    await clock.advance('10m')
    const limits = 'concurrency 1, rate 3 per 2000 ms'
    expect(warnings[0]!()).toEqual([expect.stringContaining(`${limits} here, no limits there, both hold`)])
    expect(warnings[1]!()).toEqual([expect.stringContaining(`no limits here, ${limits} there, both hold`)])
    expect(warnings[0]!()[0]).toMatch(/^kind 'a' has other options in worker '\S+ \d+ \w+': /)
    await stop()
  })

  it('nobody says so of the same limits', async () => {
    const { clock, warnings, stop } = await beside({ concurrency: 2 }, { concurrency: 2 })
    await clock.advance('10m')
    expect(warnings.map((said) => said())).toEqual([[], []])
    await stop()
  })
})

describe('a rate', () => {
  /** As a store in which a start counts for a moment longer: each window opens that much later. */
  function lateStore(clock: VirtualClock, marginMs: number): JobStore {
    const inner = new MemoryJobStore({ clock })
    const opensAt = new Map<string, number>()
    const claim: JobStore['claim'] = async (kinds, limit, lease) => {
      if (clock.now() < (opensAt.get('next') ?? 0)) return []
      const jobs = await inner.claim(kinds, limit, lease)
      const inMs = await inner.rateOpensIn(kinds)
      if (inMs !== undefined) opensAt.set('next', clock.now() + inMs + marginMs)
      return jobs
    }
    const rateOpensIn = async (): Promise<number | undefined> => {
      const inMs = (opensAt.get('next') ?? 0) - clock.now()
      return inMs > 0 ? inMs : undefined
    }
    return new Proxy(inner, {
      get: (target, name: keyof JobStore): unknown => {
        if (name === 'claim') return claim
        if (name === 'rateOpensIn') return rateOpensIn
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
  }

  test.each([
    ['1s', '1s', 5_200],
    ['500ms', '1s', 2_700],
    ['1s', '1m', 5_200],
    ['3s', '1s', 15_200],
  ])('of ten per %s is kept up by a worker that polls each %s', async (per, pollInterval, withinMs) => {
    const clock = new VirtualClock()
    const queue = new JobQueue(lateStore(clock, 25))
    const worker = new QueueWorker(queue, { concurrency: 10, pollInterval })
    const starts: number[] = []
    worker.register('a', () => void starts.push(clock.elapsed()), { rate: { limit: 10, per } })
    await queue.enqueue(ids(60).map((id) => ({ id, kind: 'a' })))
    const stop = new AbortController()
    const run = runAllWorkers([worker], stop.signal, { clock, logger: capturedLogger().logger })
    await clock.advance(withinMs)
    expect(starts).toHaveLength(60)
    stop.abort()
    await run
    expect(clock.pending).toBe(0)
  })
})

describe('retention', () => {
  it('of one worker leaves the jobs of other kinds', async () => {
    const fresh = breakableQueue()
    const { clock, queue } = fresh
    const { run, worker } = freshWorker(() => {}, { fresh, retention: '1m' })
    worker.register('b', () => {})
    await queue.enqueue([
      { id: 'of a', kind: 'a' },
      { id: 'of b', kind: 'b' },
      { id: 'of c', kind: 'c' },
    ])
    const [job] = await queue.store.claim(['c'], 1, '1m')
    await queue.store.settle([{ ...job!, outcome: { status: 'DONE' }, attempt: 1, durationMs: 1 }])
    const { stop } = await run()
    await clock.advance('5m')
    expect(await queue.get('of a')).toBeUndefined()
    expect(await queue.get('of b')).toBeUndefined()
    expect(await queue.get('of c')).toBeDefined()
    await stop()
  })

  it('is kept by time, also while there is always more to do', async () => {
    const fresh = breakableQueue()
    const { clock, queue } = fresh
    const { run } = freshWorker((_, signal) => wait(2_000, signal), { fresh, retention: '1m' })
    await queue.enqueue(ids(400).map((id) => ({ id, kind: 'a' })))
    const { stop } = await run()
    await clock.advance('5m')
    const { DONE, PENDING } = (await queue.counts()).a!
    expect(PENDING).toBeGreaterThan(100)
    expect(DONE).toBeGreaterThan(20)
    expect(DONE).toBeLessThan(70)
    await stop()
  })

  test.each<[string, QueueWorkerOptions['retention'], string[]]>([
    ["'forever' keeps all", 'forever', ['done', 'failed', 'panic']],
    ['by outcome keeps each for its time', { done: '1m', failed: 'forever' }, ['failed', 'panic']],
    ['by outcome keeps for 7 days what is left out', { failed: '1m' }, ['done']],
  ])('%s', async (_, retention, kept) => {
    const handler = ({ id }: { id: string }): void => {
      if (id === 'failed') throw new Error('no')
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- a panic
      if (id === 'panic') throw 'no'
    }
    const { clock, enqueue, run, queue } = freshWorker(handler, { retention })
    await enqueue('done', 'failed', 'panic')
    const { stop } = await run()
    await clock.advance('1h')
    const found = await Promise.all(['done', 'failed', 'panic'].map((id) => queue.get(id)))
    expect(found.flatMap((job) => job?.id ?? [])).toEqual(kept)
    await stop()
  })

  it('of several workers the longest holds, and both say so', async () => {
    const { clock, queue, enqueue, script, warnings, stop } = await beside(
      { retention: '1m' },
      { retention: { done: '1h', failed: '1m' } },
    )
    await enqueue('1')
    ;(await script.call('1')).return()
    await clock.advance('30m')
    expect(await queue.get('1')).toBeDefined()
    await clock.advance('32m')
    expect(await queue.get('1')).toBeUndefined()
    const longer = 'done 3600000 ms, failed 60000 ms'
    expect(warnings[0]!()).toEqual([
      expect.stringContaining(`retention 60000 ms here, ${longer} there, the longer holds`),
    ])
    expect(warnings[1]!()).toHaveLength(1)
    await stop()
  })
})
