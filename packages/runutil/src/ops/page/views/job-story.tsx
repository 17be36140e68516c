import type { ComponentChildren } from 'preact'
import { duration, instant } from '../../format.ts'
import { Age } from '../parts/age.tsx'
import { FirstLine } from '../parts/long-text.tsx'
import { StatusMark } from '../parts/status-mark.tsx'
import type { WholeJob } from './shown-job.ts'

interface Event {
  readonly at: string
  readonly what: ComponentChildren
}

/** What has happened to a job, in the order of time. */
export function JobStory({ job }: { readonly job: WholeJob }) {
  return (
    <section>
      <h3>Story</h3>
      <ol class="story">
        {eventsOf(job).map(({ at, what }, index) => (
          <li key={index}>
            <Age at={at} />
            <div>{what}</div>
          </li>
        ))}
      </ol>
    </section>
  )
}

function eventsOf(job: WholeJob): readonly Event[] {
  const { createdAt, runAt, lastAttemptAt, endedAt, status, errors = [], lastError } = job
  const events: Event[] = [{ at: createdAt, what: 'enqueued' }]
  for (const { at, attempt, message } of errors) {
    events.push({
      at,
      what: (
        <>
          attempt {attempt} failed: <FirstLine text={message} />
        </>
      ),
    })
  }
  if (lastAttemptAt !== undefined) events.push({ at: lastAttemptAt, what: 'last attempt began' })
  if (endedAt !== undefined) events.push({ at: endedAt, what: endOf(job) })
  else if (runAt !== createdAt) events.push({ at: runAt, what: status === 'PENDING' ? 'due' : 'was due' })
  const isTold = errors.some(({ message }) => message === lastError)
  if (lastError !== undefined && !isTold) {
    events.push({ at: job.updatedAt, what: <FirstLine text={lastError} /> })
  }
  return events.sort((a, b) => (instant(a.at) ?? 0) - (instant(b.at) ?? 0))
}

function endOf({ status, lastAttemptAt, endedAt }: WholeJob): ComponentChildren {
  const began = instant(lastAttemptAt)
  const ended = instant(endedAt)
  const length = began === undefined || ended === undefined ? '' : ` after ${duration(ended - began)}`
  return (
    <>
      <StatusMark status={status} />
      {length}
    </>
  )
}
