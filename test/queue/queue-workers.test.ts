import { wait } from 'runutil'
import type { ClaimedJob, KindOptions } from 'runutil/queue'
import { describe, expect, it, test } from 'vitest'
import { breakableQueue, freshWorker } from '../support/queue/fresh-worker.ts'
import { ScriptedHandler } from '../support/queue/scripted-handler.ts'

const ids = (length: number): string[] => Array.from({ length }, (_, at) => `${at + 1}`)

interface Span {
  readonly id: string
  readonly key: string | undefined
  readonly worker: number
  readonly from: number
  to: number
}

/** Several workers on one queue; each job takes as long as its payload says. */
function crew(size: number, options: { concurrency?: number; limits?: KindOptions } = {}) {
  const fresh = breakableQueue()
  const spans: Span[] = []
  const workers = Array.from({ length: size }, (_, worker) => {
    const handler = async ({ id, key, payload }: ClaimedJob): Promise<void> => {
      const span = { id, key, worker, from: fresh.clock.elapsed(), to: Infinity }
      spans.push(span)
      await wait(payload as number)
      span.to = fresh.clock.elapsed()
    }
    return freshWorker(handler, { fresh, concurrency: 10, ...options })
  })
  const run = async (): Promise<() => Promise<void>> => {
    const running = await Promise.all(workers.map((worker) => worker.run()))
    return async () => void (await Promise.all(running.map(({ stop }) => stop())))
  }
  return { ...fresh, spans, run }
}

/** The most spans that hold one moment. */
function mostAtOnce(spans: readonly Span[]): number {
  return Math.max(...spans.map(({ from }) => spans.filter((one) => one.from <= from && one.to > from).length))
}

describe('two workers on one store', () => {
  it('share the work, and no job runs twice', async () => {
    const { clock, queue, spans, run } = crew(2)
    const lengths = ids(300).map((id) => ({ id, kind: 'a', payload: 10 + (Number(id) % 90) }))
    await queue.enqueue(lengths)
    const stop = await run()
    await clock.advance('10s')
    expect(await queue.counts()).toMatchObject({ a: { DONE: 300 } })
    expect(new Set(spans.map(({ id }) => id)).size).toBe(300)
    expect(spans).toHaveLength(300)
    expect(mostAtOnce(spans)).toBe(20)
    for (const worker of [0, 1])
      expect(spans.filter((span) => span.worker === worker).length).toBeGreaterThan(100)
    await stop()
  })

  test.each<[string, KindOptions, number]>([
    ['a concurrency', { concurrency: 3 }, 3],
    ['a concurrency of one', { concurrency: 1 }, 1],
  ])('hold to %s together', async (_, limits, most) => {
    const { clock, queue, spans, run } = crew(2, { limits })
    await queue.enqueue(ids(30).map((id) => ({ id, kind: 'a', payload: 500 })))
    const stop = await run()
    await clock.advance('1m')
    expect(await queue.counts()).toMatchObject({ a: { DONE: 30 } })
    expect(mostAtOnce(spans)).toBe(most)
    await stop()
  })

  it('hold to a keyConcurrency together, and a busy key holds no other back', async () => {
    const { clock, queue, spans, run } = crew(2, { limits: { keyConcurrency: 1 } })
    const busy = ids(20).map((id) => ({ id: `x${id}`, kind: 'a', key: 'x', payload: 1_000 }))
    const others = ids(10).map((id) => ({ id, kind: 'a', key: id, payload: 100 }))
    await queue.enqueue([...busy, ...others, { id: 'free', kind: 'a', payload: 100 }])
    const stop = await run()
    await clock.advance('2s')
    expect(spans.filter(({ key, to }) => key !== 'x' && to <= 1_000)).toHaveLength(11)
    await clock.advance('1m')
    expect(await queue.counts()).toMatchObject({ a: { DONE: 31 } })
    expect(mostAtOnce(spans.filter(({ key }) => key === 'x'))).toBe(1)
    await stop()
  })

  it('hold to a rate together, and come near it', async () => {
    const { clock, queue, spans, run } = crew(2, { limits: { rate: { limit: 5, per: '2s' } } })
    await queue.enqueue(ids(60).map((id) => ({ id, kind: 'a', payload: 10 })))
    const stop = await run()
    await clock.advance('1m')
    const starts = spans.map(({ from }) => from)
    for (const start of starts) {
      expect(starts.filter((at) => at >= start && at < start + 2_000).length).toBeLessThanOrEqual(5)
    }
    expect(await queue.counts()).toMatchObject({ a: { DONE: 60 } })
    await stop()
  })

  it("rescue each other's jobs within the lease and two seconds", async () => {
    const { clock, queue, spans, run } = crew(1)
    await queue.enqueue({ id: '1', kind: 'a', payload: 1 })
    // Of a process that is killed.
    await queue.store.claim(['a'], 1, '30s')
    const stop = await run()
    await clock.advance('29s')
    expect(spans).toEqual([])
    await clock.advance('3s')
    expect(spans).toMatchObject([{ id: '1' }])
    await stop()
  })
})

describe('a long job in front', () => {
  /** One worker with jobs behind a long one, another that has nothing to do. */
  async function oneBehind() {
    const fresh = breakableQueue()
    const busy = new ScriptedHandler()
    const idle = new ScriptedHandler()
    const first = freshWorker((job, signal) => (job.id === 'short' ? undefined : busy.handle(job, signal)), {
      fresh,
    })
    await first.enqueue('short')
    const running = [await first.run()]
    await first.enqueue('long', ...ids(5))
    expect(busy.ids).toEqual(['long'])
    expect(await fresh.queue.counts()).toMatchObject({ a: { RUNNING: 6 } })
    const second = freshWorker(async (job) => void idle.handle(job, new AbortController().signal), { fresh })
    running.push(await second.run())
    const stop = async (): Promise<void> => {
      for (const call of busy.calls.values) call.return()
      await Promise.all(running.map((each) => each.stop()))
    }
    return { ...first, busy, idle, stop }
  }

  it('keeps those behind it from others for no longer than about a second', async () => {
    const { clock, idle, stop, queue, settled } = await oneBehind()
    await clock.advance(1_200)
    expect(idle.ids).toEqual(ids(5))
    await settled.times(6)
    expect(await queue.counts()).toMatchObject({ a: { DONE: 6, RUNNING: 1 } })
    await stop()
  })

  it('also when more keep coming', async () => {
    const { clock, enqueue, idle, stop } = await oneBehind()
    for (let more = 1; more <= 10; more++) {
      await enqueue(`more ${more}`)
      await clock.advance(300)
      if (more >= 4) expect(idle.ids).toEqual(expect.arrayContaining(ids(5)))
    }
    await clock.advance(1_200)
    expect(idle.ids).toHaveLength(15)
    await stop()
  })

  it("doesn't have them given back and taken again and again", async () => {
    const fresh = breakableQueue()
    const busy = new ScriptedHandler()
    const { clock, enqueue, run, events } = freshWorker(
      (job, signal) => (job.id.startsWith('short') ? undefined : busy.handle(job, signal)),
      { fresh },
    )
    await enqueue('short')
    const { stop } = await run()
    await enqueue('long', ...ids(5).map((id) => `short${id}`))
    await clock.advance('1m')
    expect(events.filter((event) => event.startsWith('released'))).toHaveLength(5)
    ;(await busy.call('long')).return()
    await clock.advance('5s')
    expect(events.filter((event) => event.startsWith('settled'))).toHaveLength(7)
    await stop()
  })
})
