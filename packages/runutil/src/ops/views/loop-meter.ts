import { loopLoad } from '../../runtime/loop-delay.ts'
import type { State } from './read-model.ts'

/** What the run has measured of the event loop anyway; costs a few microseconds, and nothing between the calls. */
export function measuredLoop(): State['loop'] {
  const { delays, utilization } = loopLoad()
  return {
    ...(delays !== undefined && { p99: rounded(delays.p99Ms, 10), max: rounded(delays.maxMs, 10) }),
    utilization: rounded(utilization, 1_000),
  }
}

function rounded(value: number, parts: number): number {
  return Math.round(value * parts) / parts
}
