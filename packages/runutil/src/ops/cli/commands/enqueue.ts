import { InvalidArgumentError } from '../../../core/errors.ts'
import { PostgresJobStore } from '../../../postgres/queue/postgres-job-store.ts'
import { JobQueue } from '../../../queue/job-queue.ts'
import type { EnqueueOptions, JobInput } from '../../../queue/job.ts'
import { wrongUsage } from '../command-errors.ts'
import type { CliCommand, Options } from '../command.ts'
import { printable } from '../text/printable.ts'
import { DATABASE_OPTIONS, withDatabase } from '../with-database.ts'

export const ENQUEUE: CliCommand = {
  usage: 'enqueue <kind> [payload]',
  about: 'enqueues a job with a payload in JSON',
  options: [
    ...DATABASE_OPTIONS,
    ['--id <id>', 'default: a new one'],
    ['--run-at <time>', "when it runs: '2030-01-31T12:00:00Z'"],
    ['--delay <duration>', "in how long it runs: '10m'"],
    ['--priority <number>', 'higher first; default 0'],
    ['--key <key>', 'the tenant or resource that it counts for'],
    ['--unique <key>', 'a key that one job of the kind at most has'],
    ['--on-exists <what>', 'when the id or unique key is taken: fail, skip or replace; default: fail'],
  ],
  more: 'Straight into the database, as the API enqueues nothing. Without a codec: for queues that encode payloads, enqueue in a program.',
  run: async (call) => {
    const job = jobOf(call.args[0]!, call.args[1], call.options)
    const onExists = call.options.text('onExists') as EnqueueOptions['onExists']
    const enqueued = await withDatabase(call, async (database, schema) => {
      const queue = new JobQueue(new PostgresJobStore(database, schema))
      return queue.enqueue(job, { onExists }).catch((error: unknown) => {
        throw error instanceof InvalidArgumentError ? wrongUsage(error.message) : error
      })
    })
    if (call.isJson) call.output.json(enqueued)
    else call.output.line(`${enqueued.outcome} ${printable(enqueued.id)}`)
    return 0
  },
}

function jobOf(kind: string, payload: string | undefined, options: Options): JobInput {
  const runAt = options.text('runAt')
  const priority = options.text('priority')
  const key = options.text('key')
  return {
    id: options.text('id'),
    kind,
    payload: payload === undefined ? null : payloadOf(payload),
    ...(runAt !== undefined && { runAt: timeOf(runAt) }),
    delay: options.text('delay'),
    ...(priority !== undefined && { priority: numberOf(priority) }),
    ...(key !== undefined && { key }),
    unique: options.text('unique'),
  }
}

/** Whoever forgets the quotes of a JSON string is told. */
function payloadOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const { message } = error as Error
    throw wrongUsage(`payload: expected JSON, such as '{"to":"ada"}' or '"text"'; ${message}`)
  }
}

function timeOf(text: string): Date {
  const time = new Date(text)
  if (Number.isFinite(time.getTime())) return time
  throw wrongUsage(`--run-at: expected a time such as '2030-01-31T12:00:00Z'; got '${text}'; see --delay`)
}

function numberOf(text: string): number {
  if (/^-?\d+$/.test(text)) return Number(text)
  throw wrongUsage(`--priority: expected a whole number; got '${text}'`)
}
