import { useEffect } from 'preact/hooks'
import type { Outcome } from '../page-context.ts'
import { Mark } from './mark.tsx'

export interface Told extends Outcome {
  readonly id: number
}

const SHOWN_MS = 8_000

export interface OutcomesProps {
  readonly told: readonly Told[]
  forget(id: number): void
}

/** What came of calls, also for screen readers. What failed stays until somebody has read it. */
export function Outcomes({ told, forget }: OutcomesProps) {
  return (
    <div class="outcomes" role="status" aria-live="polite">
      {told.map((one) => (
        <OutcomeLine key={one.id} {...one} forget={() => forget(one.id)} />
      ))}
    </div>
  )
}

function OutcomeLine({ ok, text, forget }: Outcome & { forget(): void }) {
  useEffect(() => {
    if (!ok) return undefined
    const timer = setTimeout(forget, SHOWN_MS)
    return () => clearTimeout(timer)
  }, [])
  return (
    <div class={`outcome ${ok ? 'ok' : 'bad'}`}>
      <Mark tone={ok ? 'ok' : 'bad'} shape={ok ? 'check' : 'cross'}>
        {text}
      </Mark>
      <button type="button" class="quiet" aria-label="Dismiss" onClick={forget}>
        ✕
      </button>
    </div>
  )
}
