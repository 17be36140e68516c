import { UNKNOWN, count } from '../../format.ts'

export interface CountProps {
  /** Undefined: unknown, which isn't 0. */
  readonly value: number | undefined
  /** Of what should not be there at all. */
  readonly isBad?: boolean
}

/** A number of things; none is no reason to look there. */
export function Count({ value, isBad = false }: CountProps) {
  if (value === undefined) return <span class="unknown">{UNKNOWN}</span>
  if (value === 0) return <span class="zero">0</span>
  return isBad ? <strong class="error-text">{count(value)}</strong> : <>{count(value)}</>
}
