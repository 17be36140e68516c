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

/** What the event loop did in the last 10 to 20 seconds, or since it is measured. */
export interface LoopLoad {
  /** How late timers were. Absent before the first measurement. */
  readonly delays?: { readonly p99Ms: number; readonly maxMs: number }
  /** The share of time that it was busy, from 0 to 1. */
  readonly utilization: number
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
  /** What was measured before the last look. */
  #before: { readonly delays: LoopLoad['delays']; readonly utilization: EventLoopUtilization } | undefined

  get load(): LoopLoad {
    const delays = worse(this.#before?.delays, delaysIn(this.#histogram))
    const since = this.#before?.utilization ?? this.#utilization
    const { utilization } = performance.eventLoopUtilization(since)
    return { ...(delays !== undefined && { delays }), utilization }
  }

  /** @returns unsubscribes it */
  listen(listener: LoopDelayListener): () => void {
    if (this.#timer === undefined) this.#timer = this.#begin()
    else if (this.#listeners.size === 0) this.#measureAnew()
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #begin(): Pick<Timer, 'clear'> {
    this.#histogram.enable()
    this.#next()
    return setBackgroundInterval(systemClock, () => this.#look(), LOOK_MS)
  }

  /** A run is told nothing of what blocked the loop before it began, nor of the turn that it begins in. */
  #measureAnew(): void {
    this.#histogram.disable()
    this.#histogram.enable()
    this.#next()
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
    this.#before = { delays: delaysIn(this.#histogram), utilization: this.#utilization! }
    // Kept for a run that begins soon after: short runs in a row then cost nothing each.
    if (this.#listeners.size > 0) return this.#next()
    this.#histogram.disable()
    this.#histogram.reset()
    this.#before = this.#utilization = undefined
    this.#timer?.clear()
    this.#timer = undefined
  }
}

/** Undefined without a measurement. */
function delaysIn(histogram: IntervalHistogram): LoopLoad['delays'] {
  if (histogram.count === 0) return undefined
  const late = (ns: number): number => Math.max(0, ns / 1e6 - RESOLUTION_MS)
  return { p99Ms: late(histogram.percentile(99)), maxMs: late(histogram.max) }
}

function worse(a: LoopLoad['delays'], b: LoopLoad['delays']): LoopLoad['delays'] {
  if (a === undefined || b === undefined) return a ?? b
  return { p99Ms: Math.max(a.p99Ms, b.p99Ms), maxMs: Math.max(a.maxMs, b.maxMs) }
}

/** Delays are measured while a run is active; otherwise the utilization is that of the whole process. */
export function loopLoad(): LoopLoad {
  return loopDelay().load
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
