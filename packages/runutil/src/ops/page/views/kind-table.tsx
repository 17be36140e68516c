import { encodedPath } from '../../encoded-path.ts'
import { post } from '../api.ts'
import { bounded, count, duration, instant } from '../../format.ts'
import { useMayChange, usePage } from '../page-context.ts'
import { ActionButton } from '../parts/action-button.tsx'
import { For } from '../parts/age.tsx'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { Mark } from '../parts/mark.tsx'
import { Notice } from '../parts/notice.tsx'
import { useCall } from '../use-call.ts'
import { type Kind, sum } from './kind-history.ts'

/** Each kind with its counts. One that is selected filters the jobs. */
export function KindTable({ kinds }: { readonly kinds: readonly Kind[] }) {
  const { route, go } = usePage()
  const mayChange = useMayChange()
  const { fields } = route
  if (kinds.length === 0) {
    return (
      <Notice title="No kind is known yet">
        A kind is known once a job of it is enqueued, or a process has a handler for it.
      </Notice>
    )
  }
  const columns = mayChange ? [...COLUMNS, PAUSE] : COLUMNS
  const select = ({ kind }: Kind): void => {
    go({ fields: { ...fields, after: '', kind: fields['kind'] === kind ? '' : kind }, selected: undefined })
  }
  return (
    <DataTable
      label="Kinds of jobs"
      rows={kinds}
      columns={columns}
      keyOf={({ kind }) => kind}
      select={select}
      selected={fields['kind']}
    />
  )
}

const COLUMNS: readonly Column<Kind>[] = [
  {
    name: 'kind',
    title: 'Kind',
    cell: ({ kind, paused }) => (
      <span class="kind-name">
        {kind}
        {paused && (
          <Mark tone="warn" shape="bars">
            paused
          </Mark>
        )}
      </span>
    ),
    sortBy: ({ kind }) => kind,
  },
  counts('due', 'Due', ({ due }) => due),
  {
    name: 'oldest',
    title: 'Oldest due',
    cell: ({ due, oldestDueAt }) => (due === 0 ? <span class="zero">–</span> : <For since={oldestDueAt} />),
    sortBy: ({ oldestDueAt }) => {
      const at = instant(oldestDueAt)
      return at === undefined ? undefined : -at
    },
    isNumber: true,
  },
  counts('waiting', 'Waiting', ({ waiting }) => waiting),
  { ...counts('blocked', 'Blocked', ({ blocked }) => blocked), isExtra: true },
  counts('running', 'Running', ({ running }) => running),
  counts('failed', 'Failed', ({ failed }) => failed),
  {
    ...counts('hour', 'Done, 1 h', ({ perMinute }) => sum(perMinute.map(({ done }) => done)), count),
    isExtra: true,
  },
  {
    name: 'wait',
    title: 'Wait p95',
    cell: ({ waitMs }) => <Length ms={waitMs?.p95} />,
    sortBy: ({ waitMs }) => waitMs?.p95,
    isNumber: true,
    isExtra: true,
  },
  {
    name: 'handle',
    title: 'Handle p95',
    cell: ({ handleMs }) => <Length ms={handleMs?.p95} />,
    sortBy: ({ handleMs }) => handleMs?.p95,
    isNumber: true,
    isExtra: true,
  },
  { name: 'limits', title: 'Limits', cell: ({ limits }) => limitsOf(limits), isExtra: true },
]

const PAUSE: Column<Kind> = { name: 'verbs', title: 'Change', cell: (kind) => <PauseButton {...kind} /> }

function counts(name: string, title: string, of: (kind: Kind) => number, format = bounded): Column<Kind> {
  return {
    name,
    title,
    cell: (kind) => {
      const value = of(kind)
      return value === 0 ? <span class="zero">0</span> : format(value)
    },
    sortBy: of,
    isNumber: true,
  }
}

/** Of what has not happened in the last hour there is none. */
function Length({ ms }: { readonly ms: number | undefined }) {
  return ms === undefined ? <span class="zero">–</span> : <>{duration(ms)}</>
}

function limitsOf({ concurrency, keyConcurrency, rates }: Kind['limits']): string {
  return [
    concurrency !== undefined && `${count(concurrency)} at once`,
    keyConcurrency !== undefined && `${count(keyConcurrency)} a key`,
    ...rates.map(({ limit, perMs }) => `${count(limit)} in ${duration(perMs)}`),
  ]
    .filter((one) => one !== false)
    .join(', ')
}

/** A kind is paused in all processes, and stays so. */
function PauseButton({ kind, paused }: Kind) {
  const { running, call } = useCall()
  const verb = paused ? 'resume' : 'pause'
  const act = (): void => {
    void call(
      `${verb} ${kind}`,
      () => post(`kinds/${encodedPath(kind)}/${verb}`),
      () => (paused ? 'its jobs are claimed again' : 'no process claims its jobs'),
    )
  }
  return (
    <ActionButton class="small-button" isBusy={running !== undefined} act={act}>
      {verb}
      <span class="hidden"> {kind}</span>
    </ActionButton>
  )
}
