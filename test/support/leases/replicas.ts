import { getEventListeners } from 'node:events'
import { type Duration, type Worker, runAllWorkers } from 'runutil'
import { MemoryLeaseStore } from 'runutil/leases'
import { VirtualClock } from 'runutil/testing'
import { expect } from 'vitest'
import { capturedLogger } from '../logs.ts'
import { follow } from '../outcome.ts'

/** Processes that share a clock and leases. */
export class Replicas {
  readonly clock = new VirtualClock()
  readonly leases = new MemoryLeaseStore({ clock: this.clock })
  readonly log = capturedLogger()
  readonly #stops: AbortController[] = []

  start(worker: Worker): { stop: AbortController; ended: ReturnType<typeof follow>; run: Promise<void> } {
    const stop = new AbortController()
    this.#stops.push(stop)
    const { clock, log } = this
    const run = runAllWorkers([{ name: 'Leased', worker }], stop.signal, { clock, logger: log.logger })
    return { stop, run, ended: follow(run) }
  }

  /** Stops all, and checks that no timer is left. */
  async end(within: Duration = 0): Promise<void> {
    for (const stop of this.#stops) stop.abort()
    await this.clock.advance(within)
    expect(this.clock.pending).toBe(0)
    for (const { signal } of this.#stops) expect(getEventListeners(signal, 'abort')).toEqual([])
  }
}
