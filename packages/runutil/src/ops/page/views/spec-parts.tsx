import { encodedPath } from '../../encoded-path.ts'
import { post } from '../api.ts'
import { counted } from '../../format.ts'
import { usePage } from '../page-context.ts'
import { ActionButton } from '../parts/action-button.tsx'
import { Mark } from '../parts/mark.tsx'
import { StatusMark } from '../parts/status-mark.tsx'
import { useCall } from '../use-call.ts'
import { type Spec, specPath } from './spec.ts'

/** Whether units of a spec are given out. */
export function SpecState({ spec: { paused, continuous } }: { readonly spec: Spec }) {
  if (paused) {
    return (
      <Mark tone="warn" shape="bars">
        paused
      </Mark>
    )
  }
  return <StatusMark status="on">{continuous ? 'continuous' : 'on'}</StatusMark>
}

export interface PauseSpecProps {
  readonly spec: Spec
  readonly changed: () => void
  readonly isSmall?: boolean
}

/** A spec is paused for all processes, and stays so. */
export function PauseSpec({ spec, changed, isSmall = false }: PauseSpecProps) {
  const { running, call } = useCall()
  const path = specPath(spec)
  const verb = spec.paused ? 'resume' : 'pause'
  const act = async (): Promise<void> => {
    await call(
      `${verb} ${path}`,
      () => post(`specs/${encodedPath(path)}/${verb}`),
      () => (spec.paused ? 'its units are given out again' : 'no process gets units of it'),
    )
    changed()
  }
  return (
    <ActionButton class={isSmall ? 'small-button' : ''} isBusy={running !== undefined} act={() => void act()}>
      {verb}
      {isSmall && <span class="hidden"> {path}</span>}
    </ActionButton>
  )
}

export interface RetryUnitsProps {
  readonly spec: Pick<Spec, 'namespace' | 'name'>
  /** Undefined: all that have failed. */
  readonly unit?: string | undefined
  /** How many those are, as was last known. */
  readonly count?: number
  readonly changed: () => void
}

/** Failed units run again, with a new count of attempts. */
export function RetryUnits({ spec, unit, count = 1, changed }: RetryUnitsProps) {
  const { confirm } = usePage()
  const { running, call } = useCall()
  const path = specPath(spec)
  const title = unit === undefined ? `retry ${counted(count, 'failed unit')}` : 'retry'
  const act = async (): Promise<void> => {
    const text = 'They run again, with a new count of attempts; so do those that fail until then.'
    const question = { title: `${title} of ${path}?`, text, action: 'retry', isSafe: true }
    if (unit === undefined && !(await confirm(question))) return
    const units = { statuses: ['failed'], ...(unit !== undefined && { names: [unit] }) }
    await call(
      `retry ${unit === undefined ? `failed units of ${path}` : unit}`,
      () => post<{ retried: number }>(`specs/${encodedPath(path)}/retry`, { units }),
      ({ retried }) => `${counted(retried, 'unit')} ${retried === 1 ? 'is' : 'are'} available again`,
    )
    changed()
  }
  return (
    <ActionButton isBusy={running !== undefined} act={() => void act()}>
      {title}
    </ActionButton>
  )
}
