import { Runtime, backoff, runAllWorkers } from 'runutil'
import { QueueWorker } from 'runutil/queue'
import { describe, expect, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { type FreshWorker, breakableQueue, freshWorker } from '../support/queue/fresh-worker.ts'
import { ScriptedHandler } from '../support/queue/scripted-handler.ts'

/** Two workers, the second in the same process or in another, that allow one crash of a job. */
function beforeLastChance(who: string) {
  const fresh = breakableQueue()
  const scripts = [new ScriptedHandler(), new ScriptedHandler()] as const
  const options = { fresh, maxCrashes: 1, concurrency: 10, pollInterval: '500ms' } as const
  const first = freshWorker(scripts[0].handle, options)
  const queue = who === 'another process' ? fresh.elsewhere : fresh.queue
  const second = freshWorker(scripts[1].handle, { ...options, queue })
  return { first, second, scripts, clock: fresh.clock }
}

/** The worker waits for `x` to end, so that nothing runs beside job 1, which a process claimed and died of. */
async function wantsLastChance({ elsewhere: { store }, clock, enqueue }: FreshWorker): Promise<void> {
  await enqueue('x')
  const job = { id: '1', kind: 'a', payload: 'null', runAt: undefined, priority: 1, key: undefined }
  // In one turn, so that no worker is quicker.
  await Promise.all([store.insert([job]), store.claim(['a'], 1, 1)])
  await clock.advance('1s')
}

describe('a paused QueueWorker', () => {
  test('starts nothing, lets run what runs, renews its lease, and goes on at once when it is resumed', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, queue, run } = freshWorker(script.handle, { pollInterval: '1h', lease: '10s' })
    const { runtime, stop } = await run()
    await enqueue('1')
    await runtime.pause('/#0')
    await enqueue('2', '3')
    await clock.advance('5m')
    expect(script.ids).toEqual(['1'])
    expect(runtime.get('/#0')).toMatchObject({ kind: 'queue', state: 'paused' })
    const { signal } = await script.call('1')
    expect(signal.aborted).toBe(false)
    ;(await script.call('1')).return()
    await clock.advance(0)
    expect(await queue.get('1')).toMatchObject({ status: 'DONE' })
    expect(script.ids).toEqual(['1'])
    await runtime.resume('/#0')
    await clock.advance(0)
    expect(script.ids).toEqual(['1', '2'])
    expect(runtime.get('/#0')!.state).toBe('ready')
    for (const id of ['2', '3']) (await script.call(id)).return()
    await stop()
  })

  test('gives back what it has claimed and not started, for others', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, store } = freshWorker(script.handle)
    await enqueue('1', '2')
    const { runtime, stop } = await run()
    // Short, so that the next claim brings more than can start.
    ;(await script.call('1')).return()
    ;(await script.call('2')).return()
    await clock.advance(0)
    await enqueue('3', '4', '5')
    await clock.advance('10ms')
    expect(script.ids).toEqual(['1', '2', '3'])
    await runtime.pause('/#0')
    await clock.advance(0)
    expect(store.calls('release').map(([jobs]) => jobs.map(({ id }) => id))).toEqual([['4', '5']])
    ;(await script.call('3')).return()
    await stop()
  })

  test('gives back what a claim brings that was under way', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, queue, run, store } = freshWorker(script.handle)
    const { runtime, stop } = await run()
    const arrive = store.hold('claim')
    await enqueue('1')
    await runtime.pause('/#0')
    arrive()
    await clock.advance('1m')
    expect(script.ids).toEqual([])
    expect(await queue.get('1')).toMatchObject({ status: 'PENDING' })
    await stop()
  })

  test.each(['a worker of its process', 'another process'])(
    'gives up its turn for a job on its last chance, to %s',
    async (who) => {
      const { first, second, scripts, clock } = beforeLastChance(who)
      const { runtime, stop } = await first.run()
      await wantsLastChance(first)
      await runtime.pause('/#0')
      const other = await second.run()
      await clock.advance('1s')
      // A worker of this process now waits for `x` in its turn.
      expect(scripts[1].ids).toEqual(who === 'another process' ? ['1'] : [])
      ;(await scripts[0].call('x')).return()
      await clock.advance(0)
      ;(await scripts[1].call('1')).return()
      await Promise.all([other.stop(), stop()])
      expect([scripts[0].ids, scripts[1].ids]).toEqual([['x'], ['1']])
      expect(await first.queue.get('1')).toMatchObject({ status: 'DONE' })
    },
  )

  test.each(['a worker of its process', 'another process'])(
    'gives back a job on its last chance that a claim brings, to %s',
    async (who) => {
      const { first, second, scripts, clock } = beforeLastChance(who)
      const { runtime, stop } = await first.run()
      await wantsLastChance(first)
      const arrive = first.store.hold('claim')
      ;(await scripts[0].call('x')).return()
      await clock.advance(0)
      expect(first.store.calls('claim').at(-1)![3]).toMatchObject({ lastChance: true })
      await runtime.pause('/#0')
      const other = await second.run()
      arrive()
      await clock.advance('1s')
      ;(await scripts[1].call('1')).return()
      await Promise.all([other.stop(), stop()])
      expect([scripts[0].ids, scripts[1].ids]).toEqual([['x'], ['1']])
      expect(await first.queue.get('1')).toMatchObject({ status: 'DONE' })
    },
  )

  test('stops as any other', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run } = freshWorker(script.handle)
    await enqueue('1')
    const { runtime, stop } = await run()
    await runtime.pause('/#0')
    await clock.advance('1s')
    const stopped = stop()
    ;(await script.call('1')).return()
    await stopped
    expect(runtime.get('/#0')!.state).toBe('stopped')
  })

  test('stays so when it is restarted, and counts as ready', async () => {
    const { clock, queue, store } = breakableQueue()
    const started: string[] = []
    const worker = new QueueWorker(queue).register('a', (job) => void started.push(job.id))
    const runtime = new Runtime()
    const stop = new AbortController()
    const { logger } = capturedLogger()
    const entries = [
      { name: 'Queue', worker, retry: backoff('1m') },
      {
        name: 'After',
        worker: () => void started.push('after'),
        after: 'Queue',
        restart: 'transient' as const,
      },
    ]
    const run = runAllWorkers(entries, stop.signal, { clock, logger, runtime })
    await clock.advance(0)
    store.fail('claim', { error: new Error('no schema') })
    await clock.advance('2s')
    expect(runtime.get('/Queue')!.state).toBe('restarting')
    await runtime.pause('/Queue')
    await queue.enqueue({ id: '1', kind: 'a' })
    store.mend()
    await clock.advance('5m')
    expect([runtime.get('/Queue')!.state, started]).toEqual(['paused', ['after']])
    await runtime.restart('/Queue')
    await clock.advance('5m')
    expect([runtime.get('/Queue')!.state, started]).toEqual(['paused', ['after']])
    await runtime.resume('/Queue')
    await clock.advance(0)
    expect(started).toEqual(['after', '1'])
    stop.abort()
    await clock.advance(0)
    await run
    expect(clock.pending).toBe(0)
  })
})

describe('a paused kind', () => {
  test('is not started, while its running jobs end, until it is resumed', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, queue, run, store } = freshWorker(script.handle, { pollInterval: '1h' })
    await enqueue('1', '2')
    const { stop } = await run()
    // Short, so that the next claim brings more than can start.
    ;(await script.call('1')).return()
    ;(await script.call('2')).return()
    await clock.advance(0)
    await enqueue('3', '4', '5')
    await clock.advance('10ms')
    await queue.pause(' A ')
    await clock.advance(0)
    expect(await queue.paused()).toEqual(['a'])
    expect(store.calls('release').map(([jobs]) => jobs.map(({ id }) => id))).toEqual([['4', '5']])
    ;(await script.call('3')).return()
    await clock.advance('5m')
    expect(script.ids).toEqual(['1', '2', '3'])
    await queue.resume('a')
    await clock.advance(0)
    expect(script.ids).toEqual(['1', '2', '3', '4'])
    for (const id of ['4', '5']) (await script.call(id)).return()
    await stop()
  })

  test('does not start what a claim brings that was under way', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, queue, run, store } = freshWorker(script.handle)
    const { stop } = await run()
    const arrive = store.hold('claim')
    await enqueue('1')
    await queue.pause('a')
    arrive()
    await clock.advance('1m')
    expect(script.ids).toEqual([])
    expect(await queue.get('1')).toMatchObject({ status: 'PENDING', attemptsDone: 0 })
    await stop()
  })

  test('emits events when it is paused and resumed', async () => {
    const { queue } = freshWorker(new ScriptedHandler().handle)
    const events: unknown[] = []
    queue.onEvent((event) => events.push(event))
    await queue.pause('a')
    await queue.resume('a')
    expect(events).toEqual([
      { type: 'paused', kind: 'a' },
      { type: 'resumed', kind: 'a' },
    ])
    await expect(queue.pause(' ')).rejects.toThrow("pause: kind: expected a string that isn't empty")
  })
})
