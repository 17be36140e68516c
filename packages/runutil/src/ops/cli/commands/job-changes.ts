import { count, counted } from '../../format.ts'
import { encodedId } from '../api-client.ts'
import { wrongUsage } from '../command-errors.ts'
import type { Call, CliCommand } from '../command.ts'
import { asked } from '../asked.ts'
import { printable } from '../text/printable.ts'
import { JOB_FILTERS, jobQueryOf } from './job-filters.ts'

type Verb = 'retry' | 'cancel'

export const JOB_CHANGES: readonly CliCommand[] = [
  change('retry', 'runs a job that has failed again, or all that match'),
  change('cancel', 'ends a job that waits or runs, or all that match'),
]

function change(verb: Verb, about: string): CliCommand {
  return {
    usage: `${verb} [id]`,
    about,
    options: [...JOB_FILTERS, ['--yes', 'without asking, for all that match']],
    run: (call) => (call.args[0] === undefined ? changeAll(verb, call) : changeOne(verb, call.args[0], call)),
  }
}

async function changeOne(verb: Verb, id: string, { api, options, isJson, output, terminal }: Call) {
  if (Object.keys(jobQueryOf(options, terminal.clock)).length > 0) {
    throw wrongUsage(`${verb}: expected the id of a job, or options that find jobs; got both`)
  }
  const answer = await api.post<object>(`jobs/${encodedId(id)}/${verb}`)
  if (isJson) output.json(answer)
  else output.line(`${DONE[verb]} ${printable(id)}`)
  return 0
}

const DONE: Readonly<Record<Verb, string>> = { retry: 'retried', cancel: 'cancelled' }

/** First they are counted; then no more than those are changed. */
async function changeAll(verb: Verb, { api, options, isJson, output, terminal }: Call) {
  const query = jobQueryOf(options, terminal.clock)
  if (Object.keys(query).length === 0) {
    throw wrongUsage(
      `${verb}: expected the id of a job, or options that find jobs, such as --kind; got neither`,
    )
  }
  const found = await api.post<{ asOf: string; count: number }>(`jobs/${verb}`, { query, dryRun: true })
  if (found.count > 0 && !options.isSet('yes')) {
    if (!(await asked(`${verb} ${counted(found.count, 'job')}?`, terminal))) {
      output.line('nothing was changed')
      return 1
    }
  }
  const { asOf } = found
  const answer = await api.post<{ changed?: number }>(`jobs/${verb}`, { query, asOf, count: found.count })
  if (isJson) output.json(answer)
  else if (answer.changed === undefined) output.line(`${verb} of ${count(found.count)} jobs goes on`)
  else output.line(`${DONE[verb]} ${counted(answer.changed, 'job')}`)
  return 0
}
