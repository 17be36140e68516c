import type { JobVerb } from '../../control/control.ts'
import { post } from '../api.ts'
import { count, counted, time } from '../../format.ts'
import { usePage } from '../page-context.ts'
import { ActionButton } from '../parts/action-button.tsx'
import type { Fields } from '../router.ts'
import { useCall } from '../use-call.ts'
import { wordsOf } from './job-fields.ts'

const VERBS: readonly JobVerb[] = ['retry', 'cancel', 'delete']

/** What each verb is of, and what it does. */
const TEXTS: Readonly<Record<JobVerb, readonly [which: string, what: string]>> = {
  retry: ['failed', 'They wait again, with attempts counted from 1.'],
  cancel: ['open', 'Those that wait end as FAILED; handlers that run are told to stop.'],
  delete: ['not running', 'They are removed, with payloads and results, for good.'],
}

interface DryRun {
  readonly asOf: string
  readonly count: number
}

export interface BulkVerbsProps {
  /** As the API takes it. */
  readonly query: Fields
  changed(): void
}

/** Changes all jobs that match, on whatever page: first they are counted, and only as many are changed. */
export function BulkVerbs({ query, changed }: BulkVerbsProps) {
  const { confirm, tell } = usePage()
  const { running, call } = useCall()
  const isEmpty = Object.keys(query).length === 0
  const act = async (verb: JobVerb): Promise<void> => {
    const what = `${verb} all ${TEXTS[verb][0]} jobs ${wordsOf(query)}`
    const found = await call(
      `${what}, counting`,
      () => post<DryRun>(`jobs/${verb}`, { query, dryRun: true }),
      () => undefined,
    )
    if (found === undefined) return
    if (found.count === 0) return tell({ ok: false, text: `${what}: there is none` })
    if (!(await confirm(questionOf(verb, query, found)))) return
    await call(
      what,
      () => post<{ changed?: number }>(`jobs/${verb}`, { query, asOf: found.asOf, count: found.count }),
      (answer) => (answer.changed === undefined ? 'goes on' : `${counted(answer.changed, 'job')} changed`),
    )
    changed()
  }
  return (
    <div class="buttons" role="group" aria-label="All jobs that match">
      <span class="dim" id="bulk">
        {isEmpty ? 'To change many jobs at once, set a filter.' : 'All that match:'}
      </span>
      {!isEmpty &&
        VERBS.map((verb) => (
          <ActionButton
            key={verb}
            class={verb === 'delete' ? 'small-button danger' : 'small-button'}
            isBusy={running !== undefined}
            describedBy="bulk"
            act={() => void act(verb)}
          >
            {verb} {TEXTS[verb][0]} …
          </ActionButton>
        ))}
    </div>
  )
}

function questionOf(verb: JobVerb, query: Fields, { asOf, count: jobs }: DryRun) {
  return {
    title: `${verb} ${counted(jobs, 'job')}?`,
    text: (
      <>
        <p>
          {count(jobs)} {TEXTS[verb][0]} {jobs === 1 ? 'job' : 'jobs'} {wordsOf(query)} matched as of{' '}
          {time(asOf)}. What came to match since is left alone.
        </p>
        <p>{TEXTS[verb][1]}</p>
      </>
    ),
    action: `${verb} ${counted(jobs, 'job')}`,
    isSafe: verb === 'retry',
  }
}
