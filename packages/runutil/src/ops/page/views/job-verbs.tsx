import type { JobVerb } from '../../control/control.ts'
import { post } from '../api.ts'
import { useMayChange, usePage } from '../page-context.ts'
import { ActionButton } from '../parts/action-button.tsx'
import { useCall } from '../use-call.ts'
import type { WholeJob } from './shown-job.ts'

/** Those that lose something are asked for. */
const TEXTS: Readonly<Partial<Record<JobVerb, string>>> = {
  cancel: 'It ends as FAILED. If its handler runs, that is told to stop.',
  delete: 'It is removed, with its payload and result, for good.',
}

function verbsOf({ status }: WholeJob): readonly JobVerb[] {
  if (status === 'PENDING') return ['cancel', 'delete']
  return status === 'DONE' ? ['delete'] : ['retry', 'delete']
}

/** Buttons for what can be done with a job; none for whoever may only read. */
export function JobVerbs({ job, changed }: { readonly job: WholeJob; changed(): void }) {
  const mayChange = useMayChange()
  const { confirm, go } = usePage()
  const { running, call } = useCall()
  if (!mayChange) return null
  const act = async (verb: JobVerb): Promise<void> => {
    const text = TEXTS[verb]
    if (text !== undefined && !(await confirm({ title: `${verb} this job?`, text, action: verb }))) return
    const done = await call(`${verb} job ${job.id}`, () => post(`jobs/${encodeURIComponent(job.id)}/${verb}`))
    if (done !== undefined && verb === 'delete') go({ selected: undefined })
    else changed()
  }
  return (
    <div class="buttons" role="group" aria-label="What to do with the job">
      {verbsOf(job).map((verb) => (
        <ActionButton
          key={verb}
          class={verb === 'retry' ? '' : 'danger'}
          isBusy={running !== undefined}
          act={() => void act(verb)}
        >
          {verb}
        </ActionButton>
      ))}
    </div>
  )
}
