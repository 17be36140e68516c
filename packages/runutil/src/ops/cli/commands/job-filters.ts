import type { Clock } from '../../../core/clock.ts'
import { toMs } from '../../../core/duration.ts'
import type { Fields } from '../api-client.ts'
import type { OptionLine, Options } from '../command.ts'
import { wrongUsage } from '../command-errors.ts'

/** Which jobs: the options of several commands. */
export const JOB_FILTERS: readonly OptionLine[] = [
  ['--kind <kind>', 'of that kind'],
  [
    '--status <status>',
    'waiting, blocked, running, pending (all three), failed, panic, or done with --ended-since',
  ],
  ['--key <key>', 'with that key'],
  ['--id-prefix <text>', 'whose id begins so'],
  ['--error <text>', 'whose last error contains that; with a kind or a time'],
  ['--created-since <time>', "enqueued since: '2030-01-31T12:00:00Z', or how long ago, '1h'"],
  ['--created-until <time>', 'enqueued until then'],
  ['--due-since <time>', 'due since then'],
  ['--due-until <time>', 'due until then'],
  ['--ended-since <time>', 'ended since then'],
  ['--ended-until <time>', 'ended until then'],
]

const TIMES = { created: 'createdAt', due: 'runAt', ended: 'endedAt' } as const

/** The query of the API that the options ask for. @throws CommandError */
export function jobQueryOf(options: Options, clock: Clock): Fields {
  const query: Record<string, string | undefined> = {
    kind: options.text('kind'),
    status: options.text('status')?.toUpperCase(),
    key: options.text('key'),
    idPrefix: options.text('idPrefix'),
    'error.contains': options.text('error'),
  }
  for (const [name, field] of Object.entries(TIMES)) {
    query[`${field}.gte`] = timeOf(options.text(`${name}Since`), `--${name}-since`, clock)
    query[`${field}.lte`] = timeOf(options.text(`${name}Until`), `--${name}-until`, clock)
  }
  const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined))
  const hasTime = Object.keys(given).some((name) => /\.[gl]te$/.test(name))
  if (given['error.contains'] !== undefined && given['kind'] === undefined && !hasTime) {
    throw wrongUsage(
      "--error: expected a kind or a time beside it, such as '--created-since 1h'; got neither",
    )
  }
  if (given['status'] === 'DONE' && !Object.keys(given).some((name) => name.startsWith('endedAt'))) {
    throw wrongUsage("--status done: expected a time beside it, such as '--ended-since 1h'; got none")
  }
  return given
}

/** A time, or how long ago. */
function timeOf(text: string | undefined, what: string, clock: Clock): string | undefined {
  if (text === undefined) return undefined
  const at = /^\d+(\.\d+)? *[a-z]+$/i.test(text) ? clock.now() - agoOf(text, what) : Date.parse(text)
  const date = new Date(at)
  if (Number.isFinite(date.getTime())) return date.toISOString()
  throw wrongUsage(`${what}: expected a time such as '2030-01-31T12:00:00Z', or '1h'; got '${text}'`)
}

function agoOf(text: string, what: string): number {
  try {
    return toMs(text, what)
  } catch {
    return NaN
  }
}
