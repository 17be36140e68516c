import { url as inspectorUrl } from 'node:inspector'
import {
  type EventLoopUtilization,
  type IntervalHistogram,
  monitorEventLoopDelay,
  performance,
} from 'node:perf_hooks'
import { setBackgroundInterval } from '../core/background-interval.ts'
import { systemClock } from '../core/clock-system.ts'
import type { Timer } from '../core/clock.ts'
import type { RunScope } from '../core/context.ts'
import { log } from '../core/log.ts'
import { shared } from '../core/shared.ts'
import type { WorkerRecord } from '../core/worker-record.ts'

const LOOK_MS = 10_000
/** The resolution of the measurement, by which measured delays are too long. */
const RESOLUTION_MS = 100
/** Shorter ones are not worth a warning. */
const LONG_MS = 1_000

/** A run to notify when the event loop was blocked. */
export interface LoopDelayListener {
  /** @param since when that may have begun, on the scale of the system clock's `elapsed()` */
  delayed(maxMs: number, since: number): void
}

/** A measurement over one interval. */
export interface LoopSample {
  readonly maxMs: number
  /** How long the loop was busy, not idle. */
  readonly activeMs: number
  readonly isDebugged: boolean
}

/**
 * Whether code blocked the loop. A process that was suspended, or whose machine slept, is late too, but was not busy; one under a
 * debugger may be late for any time.
 */
export function isBlocked({ maxMs, activeMs, isDebugged }: LoopSample): boolean {
  return maxMs > LONG_MS && activeMs >= maxMs / 2 && !isDebugged
}

/** Checks every 10 s for the longest block of the event loop, while a run is active. One per process. */
class LoopDelay {
  readonly #listeners = new Set<LoopDelayListener>()
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  #timer: Pick<Timer, 'clear'> | undefined
  #utilization: EventLoopUtilization | undefined
  #lookedAt = 0

  /** @returns unsubscribes it */
  listen(listener: LoopDelayListener): () => void {
    this.#listeners.add(listener)
    this.#timer ??= this.#begin()
    return () => void this.#listeners.delete(listener)
  }

  #begin(): Pick<Timer, 'clear'> {
    this.#histogram.enable()
    this.#next()
    return setBackgroundInterval(systemClock, () => this.#look(), LOOK_MS)
  }

  #next(): void {
    this.#histogram.reset()
    this.#utilization = performance.eventLoopUtilization()
    this.#lookedAt = systemClock.elapsed()
  }

  #look(): void {
    const maxMs = this.#histogram.max / 1e6 - RESOLUTION_MS
    const activeMs = performance.eventLoopUtilization(this.#utilization).active
    const since = this.#lookedAt
    if (isBlocked({ maxMs, activeMs, isDebugged: inspectorUrl() !== undefined })) {
      for (const listener of this.#listeners) listener.delayed(maxMs, since)
    }
    // Kept for a run that begins soon after: short runs in a row then cost nothing each.
    if (this.#listeners.size > 0) return this.#next()
    this.#histogram.disable()
    this.#timer?.clear()
    this.#timer = undefined
  }
}

function loopDelay(): LoopDelay {
  return shared('loop delay', () => new LoopDelay())
}

/** Warns about a blocked loop, with the names of the workers that ran meanwhile. @returns ends the warnings */
export function warnOfLoopDelay({ records, logger }: RunScope): () => void {
  return loopDelay().listen({
    delayed: (maxMs, since) => {
      const workers = [...records.values()]
        .filter((record) => ranSince(record, since))
        .map(({ path }) => path)
      const names = workers.slice(0, MOST_NAMES).join(', ')
      const who = names === '' ? '' : `; these ran meanwhile: ${names}`
      log(logger, 'warn', { maxMs }, `the event loop was blocked for up to ${Math.round(maxMs)} ms${who}`)
      records.root.emit({ type: 'loopDelay', maxMs, workers })
    },
  })
}

const MOST_NAMES = 20

/** @param since on the scale of `clock.elapsed()` */
function ranSince({ running, lastRun }: WorkerRecord, since: number): boolean {
  return running !== undefined || (lastRun !== undefined && lastRun.since + lastRun.durationMs >= since)
}
