import fc from 'fast-check'
import { nextRuns } from 'runutil/cron'
import { describe, expect, test } from 'vitest'
import { type LocalMinute, instantsOf, minutesOf, transitionsOf } from '../support/cron/minute-oracle.ts'

const HOUR = 3_600_000

const ZONES = [
  'Australia/Lord_Howe',
  'America/Santiago',
  'Africa/Cairo',
  'America/Havana',
  'Pacific/Apia',
  'Europe/Berlin',
  'Europe/London',
  'Europe/Dublin',
  'America/New_York',
  'America/St_Johns',
  'America/Nuuk',
  'Asia/Beirut',
  'Asia/Jerusalem',
  'Australia/Sydney',
  'Pacific/Auckland',
  'Pacific/Chatham',
  'Pacific/Easter',
  'Africa/Casablanca',
  'Antarctica/Troll',
  'Atlantic/Azores',
]

interface Change {
  readonly zone: string
  readonly at: number
  /** The minutes from two days before until two days after. */
  readonly minutes: readonly LocalMinute[]
}

// Apia has had no daylight saving time since 2021: the start of its year is used instead.
const changes: Change[] = ZONES.flatMap((zone) => {
  const found = transitionsOf(zone, 2026)
  return (found.length === 0 ? [Date.UTC(2026, 0, 2)] : found).map((at) => ({
    zone,
    at,
    minutes: minutesOf(zone, at - 50 * HOUR, at + 50 * HOUR),
  }))
})

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at)
const all = { hours: range(0, 23), minutes: range(0, 59) }

/** The instants of a pattern around a change, as computed by cron and by a scan of all minutes. */
function both(
  { zone, at, minutes }: Change,
  hours: readonly number[],
  ofHour: readonly number[],
  pattern: string,
  aroundMs: number,
) {
  const from = at - aroundMs
  const expected = instantsOf(minutes, hours, ofHour).filter((one) => one > from && one <= at + aroundMs)
  const found = nextRuns(pattern, { timezone: zone, from: new Date(from), count: expected.length + 1 })
  return {
    expected: expected.map((one) => new Date(one).toISOString()),
    found: found.map((one) => one.toISOString()).slice(0, -1),
    beyond: found.at(-1)!.getTime() > at + aroundMs,
  }
}

describe('around every clock change of 2026, the instants equal those found by a scan of all minutes:', () => {
  test('at least 12 zones have changes', () => {
    expect(new Set(changes.map(({ zone }) => zone)).size).toBeGreaterThanOrEqual(12)
    expect(changes.length).toBeGreaterThanOrEqual(35)
  })

  const hours = range(0, 4)
  const times = [...hours, 22, 23].flatMap((hour) =>
    [0, 15, 30, 45, 59].map((minute) => [hour, minute] as const),
  )

  test.each(changes.map((change) => [change.zone, new Date(change.at).toISOString(), change] as const))(
    '%s %s',
    (_, __, change) => {
      for (const [hour, minute] of times) {
        const { expected, found, beyond } = both(
          change,
          [hour],
          [minute],
          `${minute} ${hour} * * *`,
          40 * HOUR,
        )
        expect(found, `${minute} ${hour} * * *`).toEqual(expected)
        expect(beyond).toBe(true)
      }
      const intervals: [string, number[], number[]][] = [
        ['*/15 * * * *', all.hours, [0, 15, 30, 45]],
        ['0 * * * *', all.hours, [0]],
        ['30 1-3 * * *', [1, 2, 3], [30]],
        ['0,30 0-4 * * *', hours, [0, 30]],
        ['0 2,14 * * *', [2, 14], [0]],
        ['*/7 2 * * *', [2], range(0, 59).filter((minute) => minute % 7 === 0)],
      ]
      for (const [pattern, ofDay, ofHour] of intervals) {
        const { expected, found, beyond } = both(change, ofDay, ofHour, pattern, 8 * HOUR)
        expect(found, pattern).toEqual(expected)
        expect(beyond).toBe(true)
      }
    },
  )

  test('any hours and minutes', () => {
    const few = (most: number): fc.Arbitrary<number[]> =>
      fc.uniqueArray(fc.integer({ min: 0, max: most }), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(
        fc.constantFrom(...changes),
        few(23),
        few(59),
        fc.integer({ min: 60_000, max: 40 * HOUR }),
        (change, ofDay, ofHour, around) => {
          const { expected, found, beyond } = both(
            change,
            ofDay,
            ofHour,
            `${ofHour.join(',')} ${ofDay.join(',')} * * *`,
            around,
          )
          expect(found).toEqual(expected)
          expect(beyond).toBe(true)
        },
      ),
      { numRuns: Number(process.env.CRON_RUNS ?? 200) },
    )
  })
})
