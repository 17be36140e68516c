import { type DeclarativeWorker, Runtime, backoff, repeat, runAllWorkers, supervise } from 'runutil'
import { cron } from 'runutil/cron'
import { VirtualClock } from 'runutil/testing'
import { expect, test } from 'vitest'
import { stateOf } from '../../packages/runutil/src/ops/views/state.ts'
import type { State } from '../../packages/runutil/src/ops/views/read-model.ts'
import { capturedLogger } from '../support/logs.ts'
import { untilAbort } from '../support/outcome.ts'

const NOON = Date.UTC(2026, 0, 1, 12)

/** The state of a run of these workers once it has begun. */
async function stateWith(
  entries: DeclarativeWorker[],
  look: (runtime: Runtime, clock: VirtualClock) => State | Promise<State> = (runtime, clock) =>
    stateOf(runtime, 'r1', clock),
): Promise<State> {
  const clock = new VirtualClock({ now: NOON })
  const runtime = new Runtime()
  const stop = new AbortController()
  const run = runAllWorkers(entries, stop.signal, { clock, runtime, logger: capturedLogger().logger })
  await clock.advance('1s')
  const state = await look(runtime, clock)
  stop.abort()
  await clock.advance('1m')
  await run.catch(() => {})
  return state
}

/** The paths of all values that are null, or that JSON would write as null. */
function nulls(value: unknown, path = ''): string[] {
  if (value === null || (typeof value === 'number' && !Number.isFinite(value))) return [path]
  if (typeof value !== 'object') return []
  return Object.entries(value).flatMap(([key, inner]) => nulls(inner, `${path}.${key}`))
}

test('a state has each worker by its path, without children and nulls, as JSON has it', async () => {
  const fails = (): Promise<void> => Promise.reject(new Error('no'))
  const state = await stateWith([
    { name: 'Group', worker: supervise([{ name: 'Inner', worker: repeat('100ms', () => {}) }]) },
    { name: 'Cron', worker: cron('30 12 * * *', () => {}) },
    { name: 'Bad', worker: fails, retry: backoff('1h') },
  ])
  expect(state.at).toBe('2026-01-01T12:00:01.000Z')
  expect(state.replica).toBe('r1')
  expect(Object.keys(state.workers)).toEqual(['', '/Group', '/Group/Inner', '/Cron', '/Bad'])
  const inner = state.workers['/Group/Inner']!
  expect(inner).toMatchObject({ kind: 'repeat', state: 'ready', health: 'ok', failures: 0 })
  expect(inner.runs).toBeGreaterThan(5)
  expect(inner).not.toHaveProperty('children')
  expect(inner).not.toHaveProperty('path')
  expect(state.workers['/Cron']!.detail).toEqual({
    pattern: '30 12 * * *',
    timezone: 'UTC',
    next: '2026-01-01T12:30:00.000Z',
  })
  expect(state.workers['/Bad']!.lastError).toMatchObject({ message: 'no' })
  expect(JSON.parse(JSON.stringify(state))).toEqual(state)
  expect(nulls(state)).toEqual([])
  expect(state.folded).toBeUndefined()
})

test('the health of a group is the worst of its workers, as in the tree', async () => {
  await stateWith(
    [
      {
        name: 'Group',
        worker: supervise([
          { name: 'Good', worker: repeat('1s', () => {}) },
          { name: 'Bad', worker: repeat('1s', () => Promise.reject(new Error('no'))) },
        ]),
      },
    ],
    (runtime, clock) => {
      const state = stateOf(runtime, 'r1', clock)
      const { children } = runtime.tree()
      expect(state.workers['']!.health).toBe(runtime.tree().health)
      expect(state.workers['/Group']!.health).toBe(children[0]!.health)
      return state
    },
  )
})

test('of more than 1,000 workers, those in trouble stay, then the first; the others are counted by state', async () => {
  const entries = Array.from({ length: 1_500 }, (_, at): DeclarativeWorker => {
    if (at === 1_400)
      return { name: `W${at}`, worker: () => Promise.reject(new Error('no')), retry: backoff('1h') }
    return { name: `W${at}`, worker: untilAbort }
  })
  const state = await stateWith(entries)
  const paths = Object.keys(state.workers)
  expect(paths).toHaveLength(1_000)
  expect(paths.slice(0, 3)).toEqual(['', '/W0', '/W1'])
  expect(paths.slice(-2)).toEqual(['/W997', '/W1400'])
  const { folded = {} } = state
  expect(Object.values(folded).reduce((sum, count) => sum + count, 0)).toBe(501)
})

test('a state before the run begins has the root alone', () => {
  const state = stateOf(new Runtime(), 'r1', new VirtualClock())
  expect(Object.keys(state.workers)).toEqual([''])
  expect(state.workers['']).not.toHaveProperty('children')
})

test('the loop and the memory are those of this process', async () => {
  const { loop, memory } = await stateWith([{ name: 'It', worker: untilAbort }])
  expect(loop.utilization).toBeGreaterThanOrEqual(0)
  expect(loop.utilization).toBeLessThanOrEqual(1)
  expect(memory.rss).toBeGreaterThan(memory.heapUsed)
})
