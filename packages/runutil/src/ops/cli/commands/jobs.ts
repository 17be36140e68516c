import type { QueuedJob } from '../../../queue/job.ts'
import { age, count, instant } from '../../format.ts'
import type { Aged, AsJson } from '../../views/read-model.ts'
import type { ApiClient, Fields } from '../api-client.ts'
import type { CliCommand } from '../command.ts'
import { printable } from '../text/printable.ts'
import { progressText } from '../text/progress-text.ts'
import { toneOf } from '../text/style.ts'
import type { Column } from '../text/table.ts'
import { JOB_FILTERS, jobQueryOf } from './job-filters.ts'

type ListedJob = Omit<AsJson<QueuedJob>, 'payload' | 'result' | 'errors'>

interface JobList extends Aged {
  readonly jobs: readonly ListedJob[]
  readonly next?: string
}

export const JOBS: CliCommand = {
  usage: 'jobs',
  about: 'jobs, a page of them, the newest first',
  options: [
    ...JOB_FILTERS,
    ['--limit <count>', 'how many at most, up to 1000; default 50'],
    ['--after <page>', 'continues where the page before ended'],
  ],
  run: async ({ api, options, isJson, output, terminal }) => {
    const page = { limit: options.text('limit'), after: options.text('after') }
    const query = jobQueryOf(options, terminal.clock)
    const list = await api.get<JobList>('jobs', { ...query, ...page })
    if (isJson) return void output.json(list)
    const { jobs, next } = list
    if (jobs.length > 0) output.table(columns(instant(list.at) ?? 0), jobs)
    else output.line(next === undefined ? 'no job matches' : 'none in this part of the queue')
    if (next !== undefined) output.line(`more: --after ${quoted(printable(next))}`)
    if (query['status'] === 'FAILED' && (await hasPanics(api, query))) {
      output.line('others are PANIC, which the kinds count as failed too: --status panic')
    }
  },
}

async function hasPanics(api: ApiClient, query: Fields): Promise<boolean> {
  const { jobs } = await api.get<JobList>('jobs', { ...query, status: 'PANIC', limit: '1' })
  return jobs.length > 0
}

function columns(now: number): readonly Column<ListedJob>[] {
  return [
    { title: 'JOB', text: ({ id }) => id },
    { title: 'KIND', text: ({ kind }) => kind },
    { title: 'STATUS', text: ({ status }) => status, tone: ({ status }) => toneOf(status) },
    {
      title: 'DUE OR ENDED',
      text: ({ endedAt, runAt }) => age(instant(endedAt ?? runAt), now),
      align: 'right',
    },
    { title: 'ATTEMPTS', text: ({ attemptsDone }) => count(attemptsDone), align: 'right' },
    { title: 'KEY', text: ({ key }) => key ?? '' },
    { title: 'PROGRESS', text: ({ progress }) => progressText(progress) },
    { title: 'LAST ERROR', text: ({ lastError }) => lastError ?? '', gives: true },
  ]
}

/** As a shell takes it. */
function quoted(text: string): string {
  return /^[\w./:=+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
