import { InvalidArgumentError, repeat } from 'runutil'
import { cron, nextRuns } from 'runutil/cron'
import { describe, expect, test } from 'vitest'

const from = new Date('2026-01-30T12:00:00Z')
const job = (): void => {}

describe('nextRuns', () => {
  test.each<[string, string, string[]]>([
    ['five fields', '30 6 * * *', ['2026-01-31T06:30:00.000Z', '2026-02-01T06:30:00.000Z']],
    ['six, the first of seconds', '15 30 6 * * *', ['2026-01-31T06:30:15.000Z', '2026-02-01T06:30:15.000Z']],
    [
      'seven, the last of years',
      '0 0 0 1 1 * 2028-2029',
      ['2028-01-01T00:00:00.000Z', '2029-01-01T00:00:00.000Z'],
    ],
    ['names', '0 6 * MAR MON', ['2026-03-02T06:00:00.000Z', '2026-03-09T06:00:00.000Z']],
    ['the last day of a month', '0 0 L * *', ['2026-01-31T00:00:00.000Z', '2026-02-28T00:00:00.000Z']],
    ['the weekday next to a day', '0 0 15W * *', ['2026-02-16T00:00:00.000Z', '2026-03-16T00:00:00.000Z']],
    ['the second Friday', '0 0 * * FRI#2', ['2026-02-13T00:00:00.000Z', '2026-03-13T00:00:00.000Z']],
    ['nicknames', '@daily', ['2026-01-31T00:00:00.000Z', '2026-02-01T00:00:00.000Z']],
    ['leap days', '0 0 29 2 *', ['2028-02-29T00:00:00.000Z', '2032-02-29T00:00:00.000Z']],
  ])('reads %s', (_, pattern, expected) => {
    expect(nextRuns(pattern, { from, count: 2 }).map((date) => date.toISOString())).toEqual(expected)
  })

  test('returns five instants from now on by default, and never `from` itself', () => {
    const minutes = nextRuns('* * * * *', { from })
    expect(minutes.map((date) => date.getTime() - from.getTime())).toEqual(
      [1, 2, 3, 4, 5].map((n) => n * 60_000),
    )
    expect(nextRuns('* * * * *', { from: new Date(from.getTime() - 1), count: 1 })).toEqual([from])
    expect(nextRuns('* * * * *')).toHaveLength(5)
  })

  test('returns fewer instants if the pattern has a last year', () => {
    expect(nextRuns('0 0 0 1 1 * 2027', { from })).toHaveLength(1)
    expect(nextRuns('0 0 0 1 1 * 2027', { from: new Date('2028-01-01') })).toEqual([])
  })

  test.each<[string, string, string, string[]]>([
    [
      'a time that the clock skips runs right after the gap',
      '30 2 * * *',
      '2026-03-28T12:00Z',
      ['2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z'],
    ],
    [
      'a time that occurs twice runs the first time',
      '30 2 * * *',
      '2026-10-24T12:00Z',
      ['2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z'],
    ],
    [
      'one of several times a day does not run if the clock skips it',
      '30 2,14 * * *',
      '2026-03-28T18:00Z',
      ['2026-03-29T12:30:00.000Z'],
    ],
    [
      'one of several times a day runs twice if it occurs twice',
      '30 1-3 * * *',
      '2026-10-24T23:45Z',
      ['2026-10-25T00:30:00.000Z', '2026-10-25T01:30:00.000Z', '2026-10-25T02:30:00.000Z'],
    ],
  ])('in Berlin, %s', (_, pattern, since, expected) => {
    const runs = nextRuns(pattern, {
      timezone: 'Europe/Berlin',
      from: new Date(since),
      count: expected.length,
    })
    expect(runs.map((date) => date.toISOString())).toEqual(expected)
  })
})

describe('bad input is rejected at the call:', () => {
  test.each<[string, () => unknown, RegExp]>([
    [
      '30 February',
      () => cron('0 0 30 2 *', job),
      /^cron: expected a cron pattern whose time comes; got "0 0 30 2 \*", which never does/,
    ],
    ['a year that is over', () => cron('0 0 0 1 1 * 2020', job), /never does/],
    ['30 February for nextRuns', () => nextRuns('0 0 30 2 *'), /^nextRuns: .*never does/],
    [
      'an unknown zone',
      () => cron('@daily', job, { timezone: 'Mars/Olympus' }),
      /^cron: timezone: expected a time zone .*got "Mars\/Olympus"/,
    ],
    [
      'a misspelt zone',
      () => cron('@daily', job, { timezone: 'Europe/Berln' }),
      /did you mean 'Europe\/Berlin'/,
    ],
    ['no zone', () => nextRuns('@daily', { timezone: '' }), /^nextRuns: timezone/],
    ['@reboot', () => cron('@reboot', job), /got "@reboot"; what runs when the process starts is a worker/],
    ['a duration', () => cron('5s', job), /for an interval use repeat\(every, job\)/],
    ['a number', () => cron(5_000 as never, job), /got 5000; for an interval/],
    ['a date', () => cron('2027-01-01T00:00:00', job), /expected a cron pattern/],
    ['minute 60', () => cron('60 * * * *', job), /Invalid value for minute: 60/],
    ['four fields', () => cron('* * * *', job), /got "\* \* \* \*"/],
    ['no job', () => cron('@daily', undefined as never), /^cron: expected a function/],
    [
      'an unknown policy',
      () => cron('@daily', job, { missed: 'none' as never }),
      /^cron: missed: expected 'once', 'skip' or 'all'; got "none"/,
    ],
    ['a misspelt option', () => cron('@daily', job, { timeZone: 'UTC' } as never), /did you mean 'timezone'/],
    ['no count', () => nextRuns('@daily', { count: 0 }), /^nextRuns: count: expected a whole number/],
    ['no date', () => nextRuns('@daily', { from: new Date(NaN) }), /^nextRuns: from/],
    ['a pattern for repeat', () => repeat('0 6 * * *', job), /use cron\(pattern, job\)/],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(InvalidArgumentError)
    expect(call).toThrow(message)
  })
})
