import { VirtualClock } from 'runutil/testing'
import { describe, expect, it } from 'vitest'
import type { JobCount } from '../../packages/runutil/src/postgres/queue/notice.ts'
import { NotifyThrottle } from '../../packages/runutil/src/postgres/queue/notify-throttle.ts'

const one: JobCount = { kind: 'k', count: 1, inMs: 0 }
const jobs = (count: number): JobCount[] => [{ ...one, count }]

function fresh(): { clock: VirtualClock; sent: (readonly JobCount[])[]; throttle: NotifyThrottle } {
  const clock = new VirtualClock()
  const sent: (readonly JobCount[])[] = []
  return { clock, sent, throttle: new NotifyThrottle(async (counts) => void sent.push(counts), clock) }
}

describe('notifications', () => {
  it('go with the first statement at once, and then with one of each window, none by itself', async () => {
    const { clock, sent, throttle } = fresh()
    expect(throttle.now([one]).counts).toEqual(jobs(1))
    for (let n = 0; n < 20; n++) {
      await clock.advance(2)
      expect(throttle.now([one]).counts).toEqual([])
      await clock.advance(2)
      expect(throttle.now([one]).counts).toEqual([])
      await clock.advance(2)
      expect(throttle.now([one]).counts).toEqual(jobs(3))
    }
    expect(sent).toEqual([])
  })

  it('are sent alone where no statement comes', async () => {
    const { clock, sent, throttle } = fresh()
    throttle.now([one])
    throttle.now([one])
    throttle.now([one])
    await clock.advance(9)
    expect(sent).toEqual([])
    await clock.advance(1)
    expect(sent).toEqual([jobs(2)])
    await clock.advance('1m')
    expect(sent).toHaveLength(1)
  })

  it('of others are sent where the statement failed that was to carry them, those of its own jobs are not', async () => {
    const { clock, sent, throttle } = fresh()
    throttle.now([one])
    throttle.now([one])
    await clock.advance(6)
    const { counts, failed } = throttle.now(jobs(5))
    expect(counts).toEqual(jobs(6))
    failed()
    await clock.advance(20)
    expect(sent).toEqual([jobs(1)])
  })
})
