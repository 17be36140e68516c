import { usePage } from '../page-context.ts'
import { AsOf } from '../parts/as-of.tsx'
import { FailureNotice, Notice } from '../parts/notice.tsx'
import { ListAndPane } from '../parts/pane.tsx'
import { useLiveList } from '../use-live-list.ts'
import { JobList } from './job-list.tsx'
import { JobPane } from './job-pane.tsx'
import type { Kind } from './kind-history.ts'
import { KindPlots } from './kind-plots.tsx'
import { KindTable } from './kind-table.tsx'

/** The kinds of jobs, what became of them in the last hour, and the jobs themselves. */
export function QueueView() {
  const { selected } = usePage().route
  const { items: kinds, failure, heardAt, ageMs } = useLiveList<Kind>('kinds')
  if (failure?.code === 'not-given') return <FailureNotice failure={failure} />
  if (kinds === undefined && failure === undefined) return <Notice title="Waiting for the kinds of jobs …" />
  const parts = (
    <>
      {kinds === undefined ? (
        failure !== undefined && <FailureNotice failure={failure} />
      ) : (
        <>
          <KindPlots kinds={kinds} />
          <section class="part">
            <header class="part-head">
              <h2>Kinds</h2>
              <AsOf heardAt={heardAt} ageMs={ageMs} failure={failure} />
            </header>
            <KindTable kinds={kinds} />
          </section>
        </>
      )}
      <JobList kinds={kinds ?? []} />
    </>
  )
  return <ListAndPane list={parts} pane={selected === undefined ? undefined : <JobPane id={selected} />} />
}
