import { runAllWorkers } from 'runutil'
import { JobQueue, MemoryJobStore, QueueWorker } from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, it } from 'vitest'
import { IdleTime } from '../../packages/runutil/src/queue/idle-time.ts'

/** @param quietMs what the store says of each time it is asked */
function idle({ quietMs = [] as number[], pollIntervalMs = 1_000, leaseMs = 30_000 } = {}) {
  const asked: number[] = []
  const store = Object.assign(new MemoryJobStore(), {
    quietFor: async () => {
      const answer = quietMs[asked.length] ?? Infinity
      asked.push(answer)
      return answer
    },
  })
  const time = new IdleTime({
    store: new JobQueue(store).store,
    kinds: new Map(),
    clock: new VirtualClock(),
    pollIntervalMs,
    leaseMs,
    calls: { ask: (call) => call() },
  })
  return { time, asked }
}

describe('a worker that finds nothing', () => {
  it('polls twice as ever, and then a tenth as often where it is told of new jobs', async () => {
    const { time, asked } = idle()
    expect([await time.next(), await time.next(), await time.next(), await time.next()]).toEqual([
      1_000, 1_000, 10_000, 10_000,
    ])
    expect(asked).toHaveLength(2)
    time.reset()
    expect(await time.next()).toBe(1_000)
    expect(asked).toHaveLength(2)
  })

  it('polls as ever where it is told of nothing', async () => {
    const { time } = idle({ quietMs: [0, 0] })
    expect([await time.next(), await time.next(), await time.next(), await time.next()]).toEqual([
      1_000, 1_000, 1_000, 1_000,
    ])
  })

  it('looks when a job falls due or a lease runs out, a moment apart from others', async () => {
    const { time } = idle({ quietMs: [3_000, 200] })
    await time.next()
    await time.next()
    const ms = await time.next()
    expect(ms).toBeGreaterThanOrEqual(3_000)
    expect(ms).toBeLessThan(3_250)
    expect(await time.next()).toBe(1_000)
  })

  it('waits no longer than its own lease, so that what died meanwhile is found in time', async () => {
    const { time } = idle({ leaseMs: 2_000 })
    await time.next()
    await time.next()
    expect(await time.next()).toBe(2_000)
  })

  it('claims a tenth as often, and as ever once more when it is told of jobs', async () => {
    const clock = new VirtualClock()
    let claims = 0
    class Store extends MemoryJobStore {
      override quietFor = async (): Promise<number> => Infinity
      override claim(...args: Parameters<MemoryJobStore['claim']>): ReturnType<MemoryJobStore['claim']> {
        claims++
        return super.claim(...args)
      }
    }
    const queue = new JobQueue(new Store({ clock }))
    const stop = new AbortController()
    const run = runAllWorkers([new QueueWorker(queue).register('k', () => 'done')], stop.signal, { clock })
    await clock.advance('100s')
    expect(claims).toBeGreaterThanOrEqual(10)
    expect(claims).toBeLessThan(15)
    await queue.enqueue({ id: '1', kind: 'k' })
    await clock.advance(10)
    expect(await queue.get('1')).toMatchObject({ status: 'DONE' })
    stop.abort()
    await run
  })
})
