import { count } from '../../format.ts'
import { useLive } from '../page-context.ts'
import { AsOf } from '../parts/as-of.tsx'
import { type FactRow, FactList } from '../parts/facts.tsx'
import { Identifier } from '../parts/identifier.tsx'
import { Link } from '../parts/link.tsx'
import { LongText } from '../parts/long-text.tsx'
import { FailureNotice } from '../parts/notice.tsx'
import { Pane } from '../parts/pane.tsx'
import { ProgressBar } from '../parts/progress-bar.tsx'
import { StatusMark } from '../parts/status-mark.tsx'
import { useLoaded } from '../use-loaded.ts'
import { JobStory } from './job-story.tsx'
import { JobVerbs } from './job-verbs.tsx'
import type { WholeJob } from './shown-job.ts'
import { runningJobs, shownStatus } from './shown-status.ts'

const EVERY_MS = 2_000

/** One job: what it is, what has happened to it, and what can be done with it. */
export function JobPane({ id }: { readonly id: string }) {
  const {
    value: job,
    failure,
    heardAt,
    reload,
  } = useLoaded<WholeJob>(`jobs/${encodeURIComponent(id)}`, {}, EVERY_MS)
  const running = runningJobs(useLive().state)
  return (
    <Pane
      label={job === undefined ? 'Job' : `Job of kind ${job.kind}`}
      title={id}
      subtitle={
        job !== undefined && (
          <p>
            <StatusMark status={shownStatus(job, running)} />{' '}
            <AsOf heardAt={heardAt} ageMs={job.ageMs} failure={failure} />
          </p>
        )
      }
    >
      {job === undefined ? (
        failure !== undefined && <FailureNotice failure={failure} />
      ) : (
        <>
          <JobVerbs job={job} changed={reload} />
          <FactList rows={factsOf(job)} />
          <JobStory job={job} />
          <LongText label="Payload" text={shown(job.payload)} wholeBytes={job.payloadBytes} />
          {job.result !== undefined && (
            <LongText label="Result" text={shown(job.result)} wholeBytes={job.resultBytes} />
          )}
        </>
      )}
    </Pane>
  )
}

function factsOf({ progress, attemptsDone, priority, key, unique, after, waitsFor }: WholeJob): FactRow[] {
  return [
    ['progress', progress && <ProgressBar progress={progress} />],
    ['attempts', count(attemptsDone)],
    ['priority', priority === 0 ? undefined : String(priority)],
    ['key', key],
    ['unique key', unique && `${unique.key}, until ${unique.until}`],
    ['runs after', after && <JobLinks ids={after} />],
    ['still waits for', waitsFor && <JobLinks ids={waitsFor} />],
  ]
}

function JobLinks({ ids }: { readonly ids: readonly string[] }) {
  return (
    <ul class="links">
      {ids.map((id) => (
        <li key={id}>
          <Link to={{ selected: id }}>
            <Identifier id={id} />
          </Link>
        </li>
      ))}
    </ul>
  )
}

/** A string that was cut is JSON that has lost its end. */
function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value, undefined, 2)
}
