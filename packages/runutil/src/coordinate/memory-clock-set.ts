import { LEAST_STEP_MS } from '../core/clock-steps.ts'
import { type MemoryNamespace, type MemorySpec, type MemoryUnit, statusOfUnit } from './memory-tables.ts'

/**
 * For a clock that was set back. A duration that began in the future was written before that: it is cut to its own length,
 * counted from now; times of day stay.
 */
export function cutToLength({ specs }: MemoryNamespace, now: number): void {
  for (const spec of specs.values()) {
    cutInterval(spec, now)
    for (const unit of spec.units.values()) {
      cutLease(unit, now)
      cutDelay(unit, now)
    }
  }
}

function cutLease({ active }: MemoryUnit, now: number): void {
  if (active?.status !== 'pending' || !isAhead(active.leasedAt, now)) return
  active.expirationTime = now + active.lifetimeMs
  active.leasedAt = now
}

function cutDelay(unit: MemoryUnit, now: number): void {
  const { notBefore, delayedSince } = unit
  if (notBefore === undefined || !isAhead(delayedSince, now) || statusOfUnit(unit, now) !== 'delayed') return
  unit.notBefore = now + (notBefore - delayedSince)
  unit.delayedSince = now
}

function cutInterval(spec: MemorySpec, now: number): void {
  const { nextContinuous } = spec.meta
  if (nextContinuous === undefined || !isAhead(spec.continuousSince, now)) return
  spec.meta.nextContinuous = new Date(now + (nextContinuous.getTime() - spec.continuousSince))
  spec.continuousSince = now
}

function isAhead(since: number | undefined, now: number): since is number {
  return since !== undefined && since > now + LEAST_STEP_MS
}
