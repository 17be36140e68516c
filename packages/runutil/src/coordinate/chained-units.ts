import { LONGEST_MS } from '../core/duration.ts'
import { isStorableName } from './checks.ts'
import { isUsableNumber } from './usable-number.ts'

/** A unit requested by the output of another. */
export interface ChainedUnit {
  readonly name: string
  readonly data: Record<string, unknown>
  readonly priority: number
  /** Ms from now. */
  readonly delayMs: number
}

/**
 * The units that `output` in a finished attempt's data requests: an object of name → data, or a list of names and of
 * `[name, data, { priority?, delay? }?, priority?]`, with `delay` in seconds. The last entry of a name counts, and the
 * fourth item overrides the `priority` in the third. Anything else is ignored.
 */
export function chainedUnits(data: Record<string, unknown>): ChainedUnit[] {
  const { output } = data
  const units = Array.isArray(output) ? output.map(unitOfItem) : isObject(output) ? unitsOfObject(output) : []
  const byName = new Map<string, ChainedUnit>()
  for (const unit of units) if (unit !== undefined) byName.set(unit.name, unit)
  return [...byName.values()]
}

function unitsOfObject(output: Record<string, unknown>): (ChainedUnit | undefined)[] {
  return Object.entries(output).map(([name, data]) =>
    isObject(data) && isStorableName(name) ? { name, data, priority: 0, delayMs: 0 } : undefined,
  )
}

function unitOfItem(item: unknown): ChainedUnit | undefined {
  if (isStorableName(item)) return { name: item, data: {}, priority: 0, delayMs: 0 }
  if (!Array.isArray(item)) return undefined
  const [name, data, given, priority] = item as unknown[]
  if (!isStorableName(name) || !isObject(data)) return undefined
  const meta = isObject(given) ? given : {}
  return {
    name,
    data,
    priority: usable(priority) ?? usable(meta['priority']) ?? 0,
    delayMs: Math.min(LONGEST_MS, Math.max(0, finite(meta['delay']) ?? 0) * 1_000),
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function usable(value: unknown): number | undefined {
  return isUsableNumber(value) ? value : undefined
}

function finite(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}
