import { getEventListeners } from 'node:events'
import { runAllWorkers } from 'runutil'
import { Manager, type ManagerOptions, MemoryActionLedger } from 'runutil/dispatch'
import { VirtualClock } from 'runutil/testing'
import { expect } from 'vitest'
import { capturedLogger } from '../logs.ts'

/** A manager that runs, on a virtual clock and a ledger in memory, until `stop`, which looks whether anything is left. */
export async function running(options: Partial<ManagerOptions<unknown, unknown>> = {}) {
  const clock = new VirtualClock()
  const ledger = new MemoryActionLedger()
  const manager = new Manager({ operation: 'test', ledger, clock, ...options })
  const stop = new AbortController()
  const run = runAllWorkers([{ name: 'Manager', worker: manager }], stop.signal, {
    clock,
    logger: capturedLogger().logger,
  })
  await clock.advance(0)
  return {
    clock,
    ledger,
    manager,
    run,
    stop: async () => {
      stop.abort()
      await clock.advance(0)
      await run
      expect(clock.pending).toBe(0)
      expect(getEventListeners(stop.signal, 'abort')).toEqual([])
    },
  }
}
