import { InvalidArgumentError } from '../../../core/errors.ts'
import { nextRuns } from '../../../cron/next-runs.ts'
import { type CronChange, cronChanges } from '../../doctor/cron-changes.ts'
import { age } from '../../format.ts'
import type { Call, CliCommand } from '../command.ts'
import { wrongUsage } from '../command-errors.ts'
import { printable } from '../text/printable.ts'

const YEAR_MS = 366 * 86_400_000

export const CRON: CliCommand = {
  usage: 'cron <pattern>',
  about: 'when a cron pattern comes next, and which clock changes touch it',
  options: [
    ['--zone <name>', "its time zone, such as 'Europe/Berlin'; default: UTC"],
    ['--count <number>', 'how many times; default 5'],
  ],
  run: (call) => Promise.resolve().then(() => show(call)),
}

function show({ args, options, isJson, output, terminal }: Call): undefined {
  const pattern = args[0]!
  const timezone = options.text('zone') ?? 'UTC'
  const now = terminal.clock.now()
  const next = asked(() =>
    nextRuns(pattern, { timezone, from: new Date(now), count: countOf(options.text('count')) }),
  )
  const changes = cronChanges({ pattern, timezone, from: now, to: now + YEAR_MS })
  if (isJson) return void output.json({ pattern, timezone, next, changes: changes.map(asJson) })
  const local = localTime(timezone)
  output.table(
    [
      { title: printable(timezone.toUpperCase()), text: local },
      {
        title: timezone === 'UTC' ? '' : 'UTC',
        text: (at) => (timezone === 'UTC' ? '' : at.toISOString()),
      },
      { title: 'WHEN', text: (at) => age(at.getTime(), now) },
    ],
    next,
  )
  for (const { at, kind } of changes) {
    output.line(output.style('warn', `warning: ${kind} when the clocks change on ${local(new Date(at))}`))
  }
  return undefined
}

function asked<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw error instanceof InvalidArgumentError
      ? wrongUsage(error.message.replace(/^nextRuns/, 'cron'))
      : error
  }
}

function countOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,5}$/.test(text)) return Number(text)
  throw wrongUsage(`--count: expected a whole number; got '${text}'`)
}

function asJson({ at, kind }: CronChange): object {
  return { at: new Date(at).toISOString(), kind }
}

/** 'Sun 2030-03-31 03:00:00'. */
function localTime(timeZone: string): (at: Date) => string {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
  return (at) => {
    const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]))
    const { weekday, year, month, day, hour, minute, second } = parts
    return `${weekday} ${year}-${month}-${day} ${hour}:${minute}:${second}`
  }
}
