import {
  type HealthState,
  backoff,
  healthCheckpoint,
  healthSnapshot,
  namedWorker,
  repeat,
  runAllJobs,
  runAllWorkers,
  wait,
} from 'runutil'
import { CoordinateWorker, MemoryCoordinateStore, createCoordinate } from 'runutil/coordinate'
import { Manager, MemoryActionLedger } from 'runutil/dispatch'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { untilAbort } from '../support/outcome.ts'

/** Runs workers on virtual time, and returns a snapshot of their health from every second. */
async function seen(
  seconds: number,
  ...workers: Parameters<typeof runAllWorkers>[0] extends Iterable<infer W> ? W[] : never
): Promise<Record<string, HealthState>[]> {
  const clock = new VirtualClock({ auto: true })
  const stop = new AbortController()
  clock.setTimeout(() => stop.abort(), seconds * 1_000 + 500)
  const snapshots: Record<string, HealthState>[] = []
  const look = repeat('1s', () => void snapshots.push(healthSnapshot()))
  const { logger } = capturedLogger()
  await runAllWorkers([...workers, look], stop.signal, { clock, logger })
  return snapshots
}

describe('the health of a plain loop that failed', () => {
  test("is 'ok' again once it has run longer than its backoff and than before its failure", async () => {
    let runs = 0
    const loop = async (signal: AbortSignal): Promise<void> => {
      await wait(++runs === 1 ? 2_500 : '1h', signal)
      if (!signal.aborted) throw new Error('down')
    }
    const snapshots = await seen(8, { name: 'Loop', worker: loop, retry: backoff('500ms') })
    expect(snapshots.map((one) => one['/Loop'])).toEqual([
      'init',
      'init',
      'firing',
      'firing',
      'firing',
      'ok',
      'ok',
      'ok',
    ])
  })

  test("stays 'firing' while it fails repeatedly", async () => {
    const loop = async (signal: AbortSignal): Promise<void> => {
      await wait('700ms', signal)
      if (!signal.aborted) throw new Error('down')
    }
    const snapshots = await seen(60, { name: 'Loop', worker: loop, retry: backoff('10ms') })
    expect(new Set(snapshots.map((one) => one['/Loop']))).toEqual(new Set(['firing']))
  })

  test('is that of its own checkpoint if it has one', async () => {
    let runs = 0
    const loop = async (signal: AbortSignal): Promise<void> => {
      if (++runs === 1) throw new Error('down')
      healthCheckpoint(new Error('degraded'))
      await untilAbort(signal)
    }
    const snapshots = await seen(100, { name: 'Loop', worker: loop, retry: backoff('1s') })
    expect(snapshots.at(-1)).toEqual({ '/Loop': 'firing' })
  })
})

describe('the health of a group within a worker', () => {
  test('is shown while the group runs, and that of its worker permanently', async () => {
    const inner = namedWorker(async (signal) => {
      healthCheckpoint(new Error('down'))
      await wait('2s', signal)
    }, 'Inner')
    const outer = async (signal: AbortSignal): Promise<void> => {
      healthCheckpoint()
      await runAllWorkers([inner], signal).catch(() => {})
      await runAllJobs([() => healthCheckpoint()], signal)
      await untilAbort(signal)
    }
    const snapshots = await seen(4, { name: 'Outer', worker: outer })
    const without = { '/Outer': 'ok' }
    const within = { '/Outer': 'ok', '/Outer/Inner': 'firing' }
    expect(snapshots).toEqual([within, expect.anything(), without, without])
  })

  test('is kept for a name that another group has taken over', async () => {
    const round = (forMs: number) => (signal: AbortSignal) =>
      runAllWorkers([namedWorker((abort) => (healthCheckpoint(), wait(forMs, abort)), 'Same')], signal).catch(
        () => {},
      )
    const outer = async (signal: AbortSignal): Promise<void> => {
      await Promise.all([round(1_500)(signal), wait(500).then(() => round(3_000)(signal))])
      await untilAbort(signal)
    }
    const snapshots = await seen(5, { name: 'Outer', worker: outer })
    expect(snapshots.map((one) => one['/Outer/Same'])).toEqual(['ok', 'ok', 'ok', undefined, undefined])
  })
})

describe('the health', () => {
  test("of a CoordinateWorker and a Manager is 'ok' while their stores answer", async () => {
    const namespace = await createCoordinate(new MemoryCoordinateStore()).namespace('n')
    const units = new CoordinateWorker({ namespace, tasks: {}, concurrency: 1 })
    const manager = new Manager({ operation: 'o', ledger: new MemoryActionLedger() })
    const snapshots = await seen(3, { name: 'Units', worker: units }, { name: 'Actions', worker: manager })
    expect(snapshots.at(-1)).toEqual({ '/Units': 'ok', '/Actions': 'ok' })
  })
})

test("the health of a worker that failed before it was done is 'ok'", async () => {
  let runs = 0
  const migrate = (): void => {
    if (++runs < 3) throw new Error('locked')
  }
  const worker = { name: 'Migrate', restart: 'transient', retry: backoff('1500ms'), worker: migrate } as const
  const states = (await seen(5, worker)).map((snapshot) => snapshot['/Migrate'])
  expect(states).toEqual(['firing', 'firing', 'ok', 'ok', 'ok'])
})
