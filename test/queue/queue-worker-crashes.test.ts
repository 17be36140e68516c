import type { JobQueue } from 'runutil/queue'
import type { VirtualClock } from 'runutil/testing'
import { describe, expect, it, test } from 'vitest'
import type { FreshQueue } from '../support/queue/fresh-queue.ts'
import { type FreshWorkerOptions, breakableQueue, freshWorker } from '../support/queue/fresh-worker.ts'
import { ScriptedHandler } from '../support/queue/scripted-handler.ts'

const ids = (length: number): string[] => Array.from({ length }, (_, at) => `${at + 1}`)

/** Another process claims all that waits, and dies. */
async function die({ elsewhere, clock }: { elsewhere: JobQueue; clock: VirtualClock }): Promise<void> {
  await elsewhere.store.claim(['a'], 1_000, 1)
  await clock.advance(2)
}

/** Stores jobs that others die under at once. */
async function crashedElsewhere(fresh: FreshQueue, ...crashed: string[]): Promise<void> {
  const { store } = fresh.elsewhere
  const other = { kind: 'a', payload: 'null', runAt: undefined, priority: 1, key: undefined }
  // In one turn, so that no worker here is quicker.
  const inserted = store.insert(crashed.map((id) => ({ id, ...other })))
  await Promise.all([inserted, store.claim(['a'], crashed.length, 1)])
  await fresh.clock.advance(2)
}

/** A worker beside jobs that crashed as often as is said, and new ones. */
async function afterCrashes(crashed: string[], options: FreshWorkerOptions, fresh = breakableQueue()) {
  const script = new ScriptedHandler()
  const worker = freshWorker(script.handle, { fresh, concurrency: 10, maxCrashes: 1, ...options })
  await worker.enqueue(...crashed)
  await die(fresh)
  return { ...worker, script }
}

describe('a job on its last chance', () => {
  it('waits for what runs, in all workers of the process, and what comes then waits for it', async () => {
    const first = await afterCrashes([], {})
    const second = freshWorker(first.script.handle, { fresh: first, concurrency: 10, maxCrashes: 1 })
    const runs = [await first.run(), await second.run()]
    const { script, clock, enqueue } = first
    await enqueue('x', 'y')
    await crashedElsewhere(first, '1', '2')
    await clock.advance('1s')
    await enqueue('z')
    await clock.advance('1s')
    ;(await script.call('x')).return()
    await clock.advance('2s')
    expect(script.ids).toEqual(['x', 'y'])
    ;(await script.call('y')).return()
    await clock.advance(0)
    expect(script.ids).toEqual(['x', 'y', '1'])
    await clock.advance('4s')
    ;(await script.call('1')).return()
    await clock.advance(0)
    // Between two such, others have their turn.
    expect(script.ids).toEqual(['x', 'y', '1', 'z'])
    ;(await script.call('z')).return()
    await clock.advance(0)
    ;(await script.call('2')).return()
    await clock.advance(0)
    expect(await first.queue.counts()).toMatchObject({ a: { DONE: 5 } })
    await Promise.all(runs.map(({ stop }) => stop()))
  })

  it('is wanted by a worker no more that stops before it could run', async () => {
    const first = await afterCrashes([], {})
    const second = freshWorker(first.script.handle, { fresh: first, concurrency: 10, maxCrashes: 1 })
    const run = await first.run()
    const { script, clock, enqueue } = first
    await enqueue('x')
    await crashedElsewhere(first, '1')
    await clock.advance('1s')
    const other = await second.run()
    await run.abort()
    ;(await script.call('x')).return()
    await run.ended
    await clock.advance('1s')
    expect(script.ids).toEqual(['x', '1'])
    ;(await script.call('1')).return()
    await other.stop()
  })

  it('never runs beside another, and beside others when one of them takes long', async () => {
    const first = await afterCrashes(ids(3), {})
    const second = freshWorker(first.script.handle, { fresh: first, concurrency: 10, maxCrashes: 1 })
    await first.enqueue('x', 'y')
    const runs = [await first.run(), await second.run()]
    await first.clock.advance('7s')
    expect(first.script.ids.sort()).toEqual(['1', 'x', 'y'])
    await first.enqueue('z')
    expect(first.script.ids).toHaveLength(3)
    await first.clock.advance('5s')
    expect(first.script.ids).toHaveLength(4)
    for (const id of ids(3)) {
      ;(await first.script.call(id)).return()
      await first.clock.advance('7s')
    }
    for (const id of ['x', 'y', 'z']) (await first.script.call(id)).return()
    await first.clock.advance(0)
    expect(await first.queue.counts()).toMatchObject({ a: { DONE: 6 } })
    await Promise.all(runs.map(({ stop }) => stop()))
  })

  it('is followed by the next at once, without waiting for a poll', async () => {
    const { run, script, clock, queue } = await afterCrashes(ids(20), {})
    const { stop } = await run()
    for (const id of ids(20)) {
      ;(await script.call(id)).return()
      await clock.advance(0)
    }
    expect(script.ids).toEqual(ids(20))
    expect(await queue.counts()).toMatchObject({ a: { DONE: 20 } })
    await stop()
  })

  it('waits until the outcome of the one before is recorded', async () => {
    const { run, script, clock, store, enqueue } = await afterCrashes(ids(2), {})
    const { stop } = await run()
    const arrive = store.hold('settle')
    ;(await script.call('1')).return()
    await enqueue('x')
    // For longer than others wait for a handler.
    await clock.advance('12s')
    expect(script.ids).toEqual(['1'])
    arrive()
    await clock.advance(0)
    ;(await script.call('x')).return()
    await clock.advance('3s')
    ;(await script.call('2')).return()
    await stop()
  })

  it('runs beside one of another process', async () => {
    const first = await afterCrashes(ids(2), {})
    const second = freshWorker(first.script.handle, { fresh: first, queue: first.elsewhere, maxCrashes: 1 })
    const runs = [await first.run(), await second.run()]
    expect(first.script.ids.sort()).toEqual(['1', '2'])
    for (const call of first.script.calls.values) call.return()
    await Promise.all(runs.map(({ stop }) => stop()))
  })

  test.each<[string, FreshWorkerOptions]>([
    ['with crashes left', { maxCrashes: 2 }],
    ['with too many', { maxCrashes: 0 }],
  ])('is no other: one %s is claimed with others', async (_, options) => {
    const { run, script, clock, queue } = await afterCrashes(ids(5), options)
    const { stop } = await run()
    await clock.advance(0)
    if (options.maxCrashes === 0) {
      await clock.advance('10s')
      expect(await queue.counts()).toMatchObject({ a: { PANIC: 5 } })
    } else expect(script.ids).toEqual(ids(5))
    for (const call of script.calls.values) call.return()
    await stop()
  })
})

describe('with no crash allowed', () => {
  it('each job is on its last chance: they run one by one, without waiting for polls', async () => {
    const script = new ScriptedHandler()
    const { enqueue, run, clock, queue } = freshWorker(script.handle, { concurrency: 10, maxCrashes: 0 })
    await enqueue(...ids(10))
    const { stop } = await run()
    for (const id of ids(10)) {
      expect(script.ids).toHaveLength(Number(id))
      ;(await script.call(id)).return()
      await clock.advance(0)
    }
    expect(await queue.counts()).toMatchObject({ a: { DONE: 10 } })
    await stop()
  })
})

describe('crashes', () => {
  it('are judged at the claim: one with too many ends at once, though others still run', async () => {
    const script = new ScriptedHandler()
    const { elsewhere, clock, queue, enqueue, run, store } = freshWorker(script.handle, { maxCrashes: 1 })
    const crashed = {
      id: 'crashed',
      kind: 'a',
      payload: 'null',
      runAt: undefined,
      priority: -1,
      key: undefined,
    }
    await store.store.insert([crashed])
    for (let n = 0; n < 2; n++) await die({ elsewhere, clock })
    await enqueue('quick', 'long')
    const { stop } = await run()
    ;(await script.call('quick')).return()
    const long = await script.call('long')
    await clock.advance(0)
    expect(await queue.get('crashed')).toMatchObject({ status: 'PANIC' })
    long.return()
    await clock.advance(0)
    await stop()
  })

  it('count in a row: a run that ends clears those before it', async () => {
    const fresh = breakableQueue()
    const script = new ScriptedHandler()
    const { enqueue, run, clock, queue } = freshWorker(script.handle, { fresh, maxCrashes: 2 })
    await enqueue('1')
    for (let month = 0; month < 5; month++) {
      await die(fresh)
      await die(fresh)
      const job = await fresh.elsewhere.store.claim(['a'], 1, '1s')
      expect(job).toMatchObject([{ id: '1', crashes: 2 }])
      const outcome = { status: 'PENDING', lastError: undefined, delayMs: 0, counted: true } as const
      await fresh.elsewhere.store.settle([{ ...job[0]!, outcome, attempt: 1, durationMs: 1 }])
    }
    const { stop } = await run()
    ;(await script.call('1')).return()
    await clock.advance(0)
    expect(await queue.get('1')).toMatchObject({ status: 'DONE', attemptsDone: 6 })
    await stop()
  })
})
