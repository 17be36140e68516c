import { count } from '../../format.ts'
import { useMayChange, usePage } from '../page-context.ts'
import { Age } from '../parts/age.tsx'
import { AsOf } from '../parts/as-of.tsx'
import { Count } from '../parts/count.tsx'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { ChoiceFilter, ClearFilters, FilterBar, TextFilter } from '../parts/filter-bar.tsx'
import { Link } from '../parts/link.tsx'
import { FailureNotice, Notice } from '../parts/notice.tsx'
import { Pager } from '../parts/pager.tsx'
import { useLoaded } from '../use-loaded.ts'
import { PauseSpec, SpecState } from './spec-parts.tsx'
import { type Spec, type SpecPage, UNIT_STATUSES, specPath } from './spec.ts'

const EVERY_MS = 2_000

/** The specs by namespace and name, with how many of their units are where. */
export function SpecList() {
  const { route, go } = usePage()
  const mayChange = useMayChange()
  const { namespace = '', after = '', text = '', paused } = route.fields
  const { value, failure, heardAt, reload } = useLoaded<SpecPage>('specs', { namespace, after }, EVERY_MS)
  if (value === undefined) {
    return failure === undefined ? (
      <Notice title="Asking for the specs …" />
    ) : (
      <FailureNotice failure={failure} />
    )
  }
  const shown = value.specs.filter((spec) => {
    return specPath(spec).includes(text) && (paused === undefined || spec.paused === (paused === 'yes'))
  })
  const namespaces = [...new Set(value.specs.map((spec) => spec.namespace))]
  return (
    <section class="part">
      <header class="part-head">
        <h2>Work specs</h2>
        <AsOf heardAt={heardAt} ageMs={value.ageMs} failure={failure} />
      </header>
      <FilterBar label="Find specs">
        <TextFilter name="text" label="Find" hint="part of a name" />
        <ChoiceFilter name="namespace" label="Namespace" choices={namespaces.filter((one) => one !== '')} />
        <ChoiceFilter name="paused" label="Paused" choices={['yes', 'no']} />
        <ClearFilters names={['text', 'namespace', 'paused']} />
      </FilterBar>
      {shown.length === 0 ? (
        <NoSpec isFiltered={value.specs.length > 0 || namespace !== '' || after !== ''} />
      ) : (
        <DataTable
          label="Work specs"
          rows={shown}
          columns={mayChange ? [...COLUMNS, pauseColumn(reload)] : COLUMNS}
          keyOf={specPath}
          select={(spec) => go({ fields: { namespace: spec.namespace, spec: spec.name } })}
        />
      )}
      <Pager next={value.next} />
    </section>
  )
}

function NoSpec({ isFiltered }: { readonly isFiltered: boolean }) {
  if (isFiltered) return <Notice title="No spec matches">Take a filter away to see more.</Notice>
  return (
    <Notice title="There is no work spec yet">
      A namespace gets one by <code>setWorkSpec</code>; its units are worked on once some are added.
    </Notice>
  )
}

const COLUMNS: readonly Column<Spec>[] = [
  {
    name: 'spec',
    title: 'Spec',
    cell: ({ namespace, name }) => (
      <Link to={{ fields: { namespace, spec: name } }}>
        <span class="dim">{namespace}/</span>
        {name}
      </Link>
    ),
    sortBy: specPath,
    isWide: true,
  },
  {
    name: 'state',
    title: 'State',
    cell: (spec) => <SpecState spec={spec} />,
    sortBy: ({ paused }) => paused,
  },
  ...UNIT_STATUSES.map((status): Column<Spec> => ({
    name: status,
    title: `${status[0]!.toUpperCase()}${status.slice(1)}`,
    cell: ({ counts }) => <Count value={counts?.[status]} isBad={status === 'failed'} />,
    sortBy: ({ counts }) => counts?.[status],
    isNumber: true,
    isExtra: status === 'delayed',
  })),
  {
    name: 'priority',
    title: 'Priority',
    cell: ({ priority }) => count(priority),
    sortBy: ({ priority }) => priority,
    isNumber: true,
  },
  {
    name: 'weight',
    title: 'Weight',
    cell: ({ weight }) => count(weight),
    sortBy: ({ weight }) => weight,
    isNumber: true,
    isExtra: true,
  },
  {
    name: 'next',
    title: 'Next',
    cell: ({ next, continuous }) => {
      if (next === undefined) return continuous && 'at once'
      return (
        <span class="nowrap">
          <Age at={next} />
        </span>
      )
    },
    sortBy: ({ next }) => next,
  },
]

function pauseColumn(changed: () => void): Column<Spec> {
  return {
    name: 'verbs',
    title: 'Change',
    cell: (spec) => <PauseSpec spec={spec} changed={changed} isSmall />,
  }
}
