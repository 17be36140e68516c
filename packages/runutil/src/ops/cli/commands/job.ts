import type { QueuedJob } from '../../../queue/job.ts'
import { age, bytes, count, instant, time } from '../../format.ts'
import type { Aged, AsJson } from '../../views/read-model.ts'
import { encodedId } from '../api-client.ts'
import type { CliCommand } from '../command.ts'
import type { Output } from '../text/output.ts'
import { progressText } from '../text/progress-text.ts'

type WholeJob = AsJson<QueuedJob> & Aged & { readonly payloadBytes?: number; readonly resultBytes?: number }

export const JOB: CliCommand = {
  usage: 'job <id>',
  about: 'all that is known of a job',
  run: async ({ args, api, isJson, output }) => {
    const job = await api.get<WholeJob>(`jobs/${encodedId(args[0]!)}`)
    if (isJson) return void output.json(job)
    output.facts(factsOf(job))
    for (const { at, attempt, message } of job.errors ?? []) {
      output.line()
      output.line(`attempt ${count(attempt)} failed ${when(at, job)}:`)
      output.text(message, '  ')
    }
    if (isUntold(job)) showText(output, 'last error:', job.lastError)
    showText(output, `payload${cutNote(job.payloadBytes)}:`, shown(job.payload))
    if (job.result !== undefined) showText(output, `result${cutNote(job.resultBytes)}:`, shown(job.result))
  },
}

function factsOf(job: WholeJob): readonly (readonly [string, string | undefined])[] {
  const { id, kind, status, createdAt, runAt, lastAttemptAt, endedAt, priority, unique, after, waitsFor } =
    job
  return [
    ['job', id],
    ['kind', kind],
    ['status', status],
    ['progress', progressText(job.progress) || undefined],
    ['enqueued', when(createdAt, job)],
    ['due', endedAt === undefined ? when(runAt, job) : undefined],
    ['last attempt', lastAttemptAt && when(lastAttemptAt, job)],
    ['ended', endedAt && when(endedAt, job)],
    ['attempts', count(job.attemptsDone)],
    ['priority', priority === 0 ? undefined : count(priority)],
    ['key', job.key],
    ['unique key', unique && `${unique.key}, until ${unique.until}`],
    ['runs after', after?.join(', ')],
    ['still waits for', waitsFor?.join(', ')],
    ['sent by trace', job.traceparent?.split('-')[1]],
  ]
}

function when(at: string, job: WholeJob): string {
  return `${time(at)}, ${age(instant(at), instant(job.at) ?? 0)}`
}

/** Such as that of a job that was cancelled. */
function isUntold({ errors = [], lastError }: WholeJob): boolean {
  return lastError !== undefined && !errors.some(({ message }) => message === lastError)
}

function showText(output: Output, title: string, text = ''): void {
  output.line()
  output.line(title)
  output.text(text, '  ')
}

function cutNote(whole: number | undefined): string {
  return whole === undefined ? '' : `, the beginning of ${bytes(whole)}`
}

/** A string that was cut is JSON that has lost its end. */
function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value, undefined, 2)
}
