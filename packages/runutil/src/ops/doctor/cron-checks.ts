import type { Check, Patient } from './check.ts'
import { type CronChange, cronChanges } from './cron-changes.ts'
import { type Verdict, counted, ok, some, warn } from './finding.ts'
import { nodesIn } from './nodes-in.ts'

const YEAR_MS = 366 * 86_400_000

export const CRON_CHECKS: readonly Check[] = [
  {
    name: 'cron-times',
    examine: (patient) => {
      const schedules = schedulesOf(patient)
      if (schedules.length === 0) return undefined
      const from = patient.clock.now()
      return judgeCron(
        schedules.flatMap((one) => {
          return cronChanges({ ...one, from, to: from + YEAR_MS }).map((change) => ({ ...one, ...change }))
        }),
        schedules.length,
      )
    },
  },
]

interface Schedule {
  /** Of the worker. */
  readonly path: string
  readonly pattern: string
  readonly timezone: string
}

export function judgeCron(changes: readonly (Schedule & CronChange)[], count: number): Verdict {
  if (changes.length === 0)
    return ok(`no clock change of the next year touches ${counted(count, 'schedule')}`)
  const names = changes.map(({ path, pattern, timezone, at, kind }) => {
    return `${path} ('${pattern}' in ${timezone}) is ${kind} on ${new Date(at).toISOString().slice(0, 10)}`
  })
  return warn(
    `clock changes touch ${some(names)}`,
    'choose another hour, or the time zone UTC, if that matters',
  )
}

/** Those of this process, each once. */
function schedulesOf({ runtime }: Patient): Schedule[] {
  const nodes = runtime === undefined ? [] : nodesIn(runtime.tree())
  return nodes.flatMap(({ path, detail }) => {
    const { pattern, timezone } = (detail ?? {}) as Partial<Schedule>
    return pattern === undefined || timezone === undefined ? [] : [{ path, pattern, timezone }]
  })
}
