import { age } from '../../format.ts'
import type { Failure } from '../failure.ts'
import { serverNow } from '../api.ts'
import { useNow } from '../page-context.ts'
import { Mark } from './mark.tsx'

/** What is older than this isn't what goes on now. */
const STALE_MS = 15_000

export interface AsOfProps {
  /** When it came, by the clock of the browser; undefined: not yet. */
  readonly heardAt: number | undefined
  /** How old it was then, in ms. */
  readonly ageMs?: number | undefined
  readonly failure?: Failure | undefined
}

/** How old what is shown is; says so plainly when it isn't up to date, and why. */
export function AsOf({ heardAt, ageMs = 0, failure }: AsOfProps) {
  const now = useNow()
  if (heardAt === undefined) return null
  const at = heardAt - ageMs + (serverNow() - Date.now())
  const isStale = now - at > STALE_MS || failure !== undefined
  if (!isStale) return <span class="as-of">as of {age(at, now)}</span>
  return (
    <span class="as-of stale">
      <Mark tone="warn" shape="triangle">
        not up to date: as of {age(at, now)}
        {failure !== undefined && ` (${failure.message})`}
      </Mark>
    </span>
  )
}
