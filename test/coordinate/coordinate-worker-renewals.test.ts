import { runAllWorkers } from 'runutil'
import {
  type Attempt,
  AttemptsExpiringError,
  type CoordinateTask,
  CoordinateWorker,
  type CoordinateWorkerOptions,
  MemoryCoordinateStore,
  type WorkUnit,
  createCoordinate,
} from 'runutil/coordinate'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, it } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import type { CoordinateTables } from '../../packages/runutil/src/coordinate/coordinate-store.ts'

interface Given {
  readonly clock: VirtualClock
  readonly unit: WorkUnit
  readonly store: CoordinateTables
  /** Stops the worker. */
  readonly stop: () => Promise<void>
}

/** A worker whose task is at work on one unit. */
async function working(
  taskOf: (clock: VirtualClock) => CoordinateTask,
  options: Partial<CoordinateWorkerOptions> = {},
  storeClock?: VirtualClock,
): Promise<Given> {
  const clock = new VirtualClock()
  const ofStore = storeClock ?? clock
  const store = new MemoryCoordinateStore().withTime(() => ofStore.now())
  const namespace = await createCoordinate({ withTime: () => store }, { clock: ofStore }).namespace('n')
  const unit = await (await namespace.setWorkSpec({ name: 's', runtime: 'node' })).addWorkUnit('u', {})
  const controller = new AbortController()
  const worker = new CoordinateWorker({ namespace, tasks: { s: taskOf(clock) }, concurrency: 1, ...options })
  const ended = runAllWorkers([worker], controller.signal, { clock, logger: capturedLogger().logger })
  await clock.advance(0)
  const stop = async (): Promise<void> => {
    controller.abort()
    await clock.advance('1m')
    await ended
    expect(clock.pending).toBe(0)
  }
  return { clock, unit, store, stop }
}

/** When its signal aborted, in ms since it began, and why. */
class Heard {
  signal: AbortSignal | undefined
  atMs: number | undefined

  listen(clock: VirtualClock, signal: AbortSignal): void {
    this.signal = signal
    const begun = clock.now()
    signal.addEventListener('abort', () => (this.atMs = clock.now() - begun))
  }
}

const untilAbort = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve()))

describe('a task that renews its attempts', () => {
  it.each([
    ['20s', 5_000],
    ['4s', 1_000],
    ['40s', 15_000],
  ] as const)('by %s every %i ms is never stopped', async (extend, everyMs) => {
    const heard = new Heard()
    const { clock, unit, stop } = await working((clock) => async ([attempt], signal) => {
      heard.listen(clock, signal)
      for (const begun = clock.now(); clock.now() - begun < 120_000 && !signal.aborted;) {
        await attempt!.renew(extend)
        await new Promise((resolve) => clock.setTimeout(() => resolve(undefined), everyMs))
      }
      if (!signal.aborted) await attempt!.finish()
    })
    await clock.advance('130s')
    expect([heard.atMs, await unit.status()]).toEqual([undefined, 'finished'])
    await stop()
  })

  it.each([
    ['4s', 2_000, 3_000],
    ['40s', 20_000, 30_000],
    ['2m', 90_000, 105_000],
  ] as const)(
    'by %s and no more is warned after %i ms, and failed after %i',
    async (extend, warned, failed) => {
      const heard = new Heard()
      const { clock, unit, stop } = await working((clock) => async ([attempt], signal) => {
        heard.listen(clock, signal)
        await attempt!.renew(extend)
        await new Promise((resolve) => clock.setTimeout(() => resolve(undefined), 180_000))
      })
      await clock.advance(warned - 1)
      expect(heard.signal!.aborted).toBe(false)
      await clock.advance(failed - warned)
      expect(heard.atMs).toBe(warned)
      expect(heard.signal!.reason).toBeInstanceOf(AttemptsExpiringError)
      expect(await unit.status()).toBe('pending')
      await clock.advance(1)
      expect(await unit.status()).toBe('failed')
      await clock.advance('3m')
      await stop()
    },
  )

  it('by another object than it was handed is seen to have, at the next heartbeat', async () => {
    const heard = new Heard()
    const { clock, unit, stop } = await working((clock) => async (_, signal) => {
      heard.listen(clock, signal)
      await untilAbort(signal)
    })
    await (await unit.activeAttempt())!.renew('40s')
    await clock.advance('15s')
    await (await unit.activeAttempt())!.renew('40s')
    await clock.advance('19s')
    expect(heard.atMs).toBeUndefined()
    await clock.advance('1s')
    expect(heard.atMs).toBe(35_000)
    await stop()
  })

  it('is not stopped by what the store said before the last renewal', async () => {
    const heard = new Heard()
    let attempts: Attempt[] = []
    const { clock, unit, store, stop } = await working((clock) => async (got, signal) => {
      heard.listen(clock, signal)
      attempts = got
      await got[0]!.renew('20s')
      await untilAbort(signal)
    })
    const ask = store.workers.attempts.bind(store.workers)
    let answer = (): void => {}
    store.workers.attempts = async (...args) => {
      const said = await ask(...args)
      await new Promise<void>((resolve) => (answer = resolve))
      return said
    }
    await clock.advance('10s')
    store.workers.attempts = ask
    await attempts[0]!.renew('1h')
    answer()
    await clock.advance('30m')
    expect([heard.atMs, await unit.status()]).toEqual([undefined, 'pending'])
    await stop()
  })

  it.each([-3_600_000, 3_600_000])(
    'is neither stopped nor left unwarned when the clock of its store is set by %i ms',
    async (byMs) => {
      const heard = new Heard()
      let attempts: Attempt[] = []
      const storeClock = new VirtualClock()
      const { clock, stop } = await working(
        (clock) => async (got, signal) => {
          heard.listen(clock, signal)
          attempts = got
          await untilAbort(signal)
        },
        {},
        storeClock,
      )
      const advance = async (seconds: number): Promise<void> => {
        for (let passed = 0; passed < seconds; passed++) {
          await storeClock.advance('1s')
          await clock.advance('1s')
        }
      }
      await advance(20)
      storeClock.set(storeClock.now() + byMs)
      await attempts[0]!.renew('2m')
      await advance(89)
      expect(heard.signal!.aborted).toBe(false)
      await advance(2)
      expect(heard.signal!.reason).toBeInstanceOf(AttemptsExpiringError)
      await stop()
    },
  )

  it('with autoRenew has them renewed at half of what they were last renewed by', async () => {
    const heard = new Heard()
    const { clock, unit, stop } = await working(
      (clock) =>
        async ([attempt], signal) => {
          heard.listen(clock, signal)
          await attempt!.renew('10s')
          await untilAbort(signal)
        },
      { autoRenew: true, lifetime: '10m' },
    )
    const expiration = async (): Promise<number> =>
      (await (await unit.activeAttempt())!.expirationTime()).getTime() - clock.now()
    await clock.advance('5s')
    expect(await expiration()).toBe(600_000)
    await clock.advance('1h')
    expect([heard.atMs, (await expiration()) > 299_000]).toEqual([undefined, true])
    await stop()
  })
})
