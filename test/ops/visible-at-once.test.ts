import { Runtime, repeat, runAllWorkers } from 'runutil'
import { MemoryCoordinateStore, createCoordinate } from 'runutil/coordinate'
import { OpsServer } from 'runutil/ops'
import { JobQueue, MemoryJobStore } from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { CHANGE, ask } from '../support/ops/raw-client.ts'

// No time passes: each answer would be shared.
const clock = new VirtualClock()
const queue = new JobQueue(new MemoryJobStore({ clock }))
const coordinate = createCoordinate(new MemoryCoordinateStore(), { clock })
const ops = new OpsServer({ port: 0, queue, coordinate, token: 'secret' })
const stop = new AbortController()
let run: Promise<void>

beforeAll(async () => {
  await queue.enqueue(['one', 'two', 'three'].map((id) => ({ id, kind: 'mail' })))
  const spec = await (await coordinate.namespace('sites')).setWorkSpec({ name: 'crawl' })
  await spec.addWorkUnit('a', {})
  const worker = await (await coordinate.namespace('sites')).worker('w')
  await (await worker.makeAttempt(await spec.workUnit('a'))).fail()
  const runtime = new Runtime()
  const { logger } = capturedLogger()
  const workers = [
    { name: 'Ops', worker: ops },
    { name: 'Shop', worker: repeat('1h', async () => void (await queue.enqueue({ kind: 'order' }))) },
  ]
  run = runAllWorkers(workers, stop.signal, { clock, logger, runtime })
  await runtime.ready('/Ops')
})
afterAll(async () => {
  stop.abort()
  const ended = run.finally(() => clearInterval(timer))
  const timer = setInterval(() => void clock.advance(1_000), 10)
  await ended
})

type Json = Record<string, unknown>

async function get(path: string): Promise<Json> {
  const { json } = await ask(Number(new URL(ops.url!).port), { path: `/api/v1/${path}` })
  return json!
}

async function post(path: string, body: object = {}): Promise<Json> {
  const headers = { ...CHANGE, authorization: 'Bearer secret' }
  const asked = { method: 'POST', path: `/api/v1/${path}`, headers, body: JSON.stringify(body) }
  return (await ask(Number(new URL(ops.url!).port), asked)).json!
}

async function listed(name: string, field: string, query = ''): Promise<unknown[]> {
  return ((await get(`${name}${query}`))[name] as Json[]).map((one) => one[field])
}

describe('whoever changed something through a server sees it in its next answer:', () => {
  test('a kind that was paused, and what the doctor says of it', async () => {
    const doctors = async (): Promise<unknown> =>
      ((await get('doctor')).findings as Json[]).find(({ check }) => check === 'paused-kinds')!.level
    expect([await listed('kinds', 'paused'), await doctors()]).toEqual([[false], 'ok'])
    await post('kinds/mail/pause')
    expect([await listed('kinds', 'paused'), await doctors()]).toEqual([[true], 'warn'])
    await post('kinds/mail/resume')
    expect([await listed('kinds', 'paused'), await doctors()]).toEqual([[false], 'ok'])
  })

  test('a job that was cancelled, by itself, in lists and in counts', async () => {
    const seen = async (): Promise<unknown[]> => [
      (await get('jobs/one')).status,
      (await listed('jobs', 'id', '?status=WAITING')).sort(),
      await listed('kinds', 'waiting'),
    ]
    expect(await seen()).toEqual(['PENDING', ['one', 'three', 'two'], [3]])
    await post('jobs/one/cancel')
    expect(await seen()).toEqual(['FAILED', ['three', 'two'], [2]])
  })

  test('many jobs, but not what a dry run has only counted', async () => {
    const asked = queue.listSummaries.bind(queue)
    let queries = 0
    const seen = (): Promise<unknown[]> => listed('jobs', 'id', '?status=WAITING&kind=mail')
    expect((await seen()).sort()).toEqual(['three', 'two'])
    const query = { kind: 'mail', status: 'WAITING' }
    const { asOf, count } = await post('jobs/cancel', { query, dryRun: true })
    queue.listSummaries = (...args) => {
      queries++
      return asked(...args)
    }
    await seen()
    expect(queries).toBe(0)
    queue.listSummaries = asked
    await post('jobs/cancel', { query, asOf, count })
    expect(await seen()).toEqual([])
  })

  test('a spec that was paused, and units that were retried', async () => {
    const seen = async (): Promise<unknown[]> => [
      await listed('specs', 'paused'),
      await listed('specs', 'counts'),
      await listed('units', 'status', '?namespace=sites&spec=crawl'),
    ]
    expect(await seen()).toMatchObject([[false], [{ failed: 1, available: 0 }], ['failed']])
    await post('specs/sites/crawl/pause')
    expect(await seen()).toMatchObject([[true], [{ failed: 1 }], ['failed']])
    await post('specs/sites/crawl/retry')
    expect(await seen()).toMatchObject([[true], [{ failed: 0, available: 1 }], ['available']])
  })

  test('what a run did that was triggered', async () => {
    const seen = (): Promise<unknown[]> => listed('kinds', 'kind')
    expect(await seen()).toEqual(['mail'])
    await post('workers/Shop/trigger')
    expect(await seen()).toEqual(['mail', 'order'])
  })
})

test('a call that failed may have changed something: what is asked for then is asked anew', async () => {
  const stats = queue.stats.bind(queue)
  const pause = queue.pause.bind(queue)
  let asked = 0
  queue.stats = () => {
    asked++
    return stats()
  }
  queue.pause = async (kind) => {
    await pause(kind)
    throw new Error('the answer was lost')
  }
  await get('kinds')
  const before = asked
  await post('kinds/mail/pause')
  expect(await listed('kinds', 'paused')).toContain(true)
  expect(asked).toBe(before + 1)
  Object.assign(queue, { stats, pause })
})
