import type { Aged } from '../../views/read-model.ts'
import { serverNow } from '../api.ts'
import { count } from '../../format.ts'
import { useLive, useMayChange, usePage } from '../page-context.ts'
import { Age } from '../parts/age.tsx'
import { AsOf } from '../parts/as-of.tsx'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { ChoiceFilter, ClearFilters, FilterBar, TextFilter } from '../parts/filter-bar.tsx'
import { Identifier } from '../parts/identifier.tsx'
import { FailureNotice, Notice } from '../parts/notice.tsx'
import { Pager } from '../parts/pager.tsx'
import { ProgressBar } from '../parts/progress-bar.tsx'
import { StatusMark } from '../parts/status-mark.tsx'
import { useLoaded } from '../use-loaded.ts'
import { BulkVerbs } from './bulk-verbs.tsx'
import { JOB_FILTERS, STATUSES, WITHIN, jobQueryOf } from './job-fields.ts'
import type { Kind } from './kind-history.ts'
import type { ListedJob } from './shown-job.ts'
import { runningJobs, shownStatus } from './shown-status.ts'

interface JobPage extends Aged {
  readonly jobs: readonly ListedJob[]
  readonly next?: string
}

const WITHIN_CHOICES = Object.entries(WITHIN).map(([value, [text]]) => [value, text] as const)

/** The jobs that the filters in the address find, a page of them. */
export function JobList({ kinds }: { readonly kinds: readonly Kind[] }) {
  const { route, go } = usePage()
  const mayChange = useMayChange()
  const running = runningJobs(useLive().state)
  const { fields, selected } = route
  const query = jobQueryOf(fields, serverNow())
  const page = useLoaded<JobPage>('jobs', { ...query, after: fields['after'] ?? '' })
  const { value, failure, heardAt } = page
  const isDone = fields['status'] === 'DONE'
  return (
    <section class="part">
      <header class="part-head">
        <h2>Jobs</h2>
        <AsOf heardAt={heardAt} ageMs={value?.ageMs} failure={value && failure} />
      </header>
      <FilterBar label="Find jobs">
        <ChoiceFilter name="kind" label="Kind" choices={kinds.map(({ kind }) => kind)} />
        <ChoiceFilter name="status" label="Status" choices={STATUSES} />
        <ChoiceFilter
          name="within"
          label="Within"
          choices={WITHIN_CHOICES}
          none={isDone ? '1 hour' : 'any time'}
        />
        <TextFilter name="key" label="Key" />
        <TextFilter name="idPrefix" label="Id begins with" />
        <TextFilter name="error.contains" label="Error contains" />
        <ClearFilters names={JOB_FILTERS} />
      </FilterBar>
      {mayChange && <BulkVerbs query={query} changed={page.reload} />}
      {value === undefined && failure !== undefined && <FailureNotice failure={failure} />}
      {value !== undefined && (
        <>
          {value.jobs.length === 0 ? (
            <Notice title="No job matches">
              {value.next === undefined
                ? 'Jobs that have ended are removed after their retention.'
                : 'None in this part of the queue: the next page looks further.'}
            </Notice>
          ) : (
            <DataTable
              label="Jobs"
              rows={value.jobs.map((job) => ({ ...job, shown: shownStatus(job, running, fields['status']) }))}
              columns={COLUMNS}
              keyOf={({ id }) => id}
              select={({ id }) => go({ selected: id })}
              selected={selected}
            />
          )}
          <Pager next={value.next} />
        </>
      )}
    </section>
  )
}

interface JobRow extends ListedJob {
  readonly shown: string
}

const COLUMNS: readonly Column<JobRow>[] = [
  { name: 'job', title: 'Job', cell: ({ id }) => <Identifier id={id} /> },
  { name: 'kind', title: 'Kind', cell: ({ kind }) => kind },
  { name: 'status', title: 'Status', cell: ({ shown }) => <StatusMark status={shown} /> },
  { name: 'when', title: 'Due or ended', cell: (job) => <When {...job} />, isNumber: true },
  {
    name: 'enqueued',
    title: 'Enqueued',
    cell: ({ createdAt }) => <Age at={createdAt} />,
    isNumber: true,
    isExtra: true,
  },
  {
    name: 'attempts',
    title: 'Attempts',
    cell: ({ attemptsDone }) => count(attemptsDone),
    isNumber: true,
    isExtra: true,
  },
  { name: 'key', title: 'Key', cell: ({ key }) => key, isExtra: true },
  {
    name: 'error',
    title: 'Progress, last error',
    cell: ({ progress, lastError }) => (
      <>
        {progress !== undefined && <ProgressBar progress={progress} />}
        {lastError !== undefined && <span class="error-text">{lastError}</span>}
      </>
    ),
    isWide: true,
  },
]

function When({ endedAt, runAt }: ListedJob) {
  return <Age at={endedAt ?? runAt} />
}
