import { describe, expect, test } from 'vitest'
import * as format from '../../packages/runutil/src/ops/format.ts'
import { afterEvent, noLive } from '../../packages/runutil/src/ops/page/live.ts'
import { linesOf, roundMax } from '../../packages/runutil/src/ops/page/parts/plot-lines.ts'
import { sorted } from '../../packages/runutil/src/ops/page/parts/sorting.ts'
import { changed, routeOf, searchOf } from '../../packages/runutil/src/ops/page/router.ts'
import { actionQueryOf, brief, unfinishedIn } from '../../packages/runutil/src/ops/page/views/action.ts'
import { jobQueryOf } from '../../packages/runutil/src/ops/page/views/job-fields.ts'
import {
  type Kind,
  type KindSample,
  backlogOf,
  withSample,
} from '../../packages/runutil/src/ops/page/views/kind-history.ts'
import { runningJobs, shownStatus } from '../../packages/runutil/src/ops/page/views/shown-status.ts'
import { verbsOf } from '../../packages/runutil/src/ops/page/views/verbs-of.ts'
import { shownRows, stateCounts, treeRows } from '../../packages/runutil/src/ops/views/tree-rows.ts'
import type { State, StateNode } from '../../packages/runutil/src/ops/views/read-model.ts'

describe('the page shows', () => {
  test.each([
    [undefined, 'unknown'],
    [NaN, 'unknown'],
    [0, '0 ms'],
    [0.34, '340 µs'],
    [0.0001, '1 µs'],
    [4.25, '4.3 ms'],
    [12.4, '12 ms'],
    [999.7, '1 s'],
    [4_200, '4.2 s'],
    [9_960, '10 s'],
    [59_900, '1 m'],
    [200_000, '3 m 20 s'],
    [1_000_000, '17 m'],
    [3_599_999, '1 h'],
    [7_500_000, '2 h 5 m'],
    [86_390_000, '1 d'],
    [100 * 3_600_000, '4 d 4 h'],
    [400 * 86_400_000, '400 d'],
  ])('a duration of %s ms as %s', (ms, text) => expect(format.duration(ms)).toBe(text))

  test.each([
    [undefined, 'unknown'],
    [0, '0 B'],
    [1_023, '1,023 B'],
    [4_096, '4.0 KiB'],
    [65_536, '64 KiB'],
    [4 * 1_048_576, '4.0 MiB'],
    [1_048_575, '1.0 MiB'],
  ])('%s bytes as %s', (size, text) => expect(format.bytes(size)).toBe(text))

  test('ages in whole seconds, what is to come, and what is now', () => {
    expect(format.age(1_000, 1_999)).toBe('now')
    expect(format.age(1_000, 6_999)).toBe('5 s ago')
    expect(format.age(6_999, 1_000)).toBe('in 5 s')
    expect(format.age(undefined, 1_000)).toBe('unknown')
  })

  test('a count that ends at 10,001 as what it stands for', () => {
    expect(format.bounded(10_000)).toBe('10,000')
    expect(format.bounded(10_001)).toBe('10,000+')
    expect(format.bounded(undefined)).toBe('unknown')
  })

  test('shares, numbers and names', () => {
    expect([0, 0.001, 0.054, 0.996, undefined].map(format.percent)).toEqual([
      '0 %',
      '0.1 %',
      '5.4 %',
      '100 %',
      'unknown',
    ])
    expect([0.04567, 12, 123_456].map(format.number)).toEqual(['0.0457', '12', '123,456'])
    expect(['lastRun', 'rss', 'p95'].map(format.words)).toEqual(['last run', 'rss', 'p95'])
    expect([format.counted(1, 'job'), format.counted(2_000, 'job')]).toEqual(['1 job', '2,000 jobs'])
  })
})

describe('the address', () => {
  test('has all that is shown, and gives it back', () => {
    const route = {
      view: 'queue',
      replica: 'r 1',
      selected: 'a&b=c',
      fields: { 'createdAt.gte': '2030-01-31', kind: 'mail/ä' },
    } as const
    expect(routeOf(searchOf(route))).toEqual(route)
  })

  test('of anything else is that of the tree', () => {
    const empty = { view: 'tree', replica: undefined, selected: undefined, fields: {} }
    expect(routeOf('')).toEqual(empty)
    expect(routeOf('?view=__proto__&kind=')).toEqual(empty)
  })

  test('loses filters and selection with the view, but not the process', () => {
    const route = routeOf('?view=queue&replica=r1&kind=mail&selected=7')
    expect(searchOf(changed(route, { view: 'tree' }))).toBe('?view=tree&replica=r1')
    expect(searchOf(changed(route, { selected: '8' }))).toBe('?view=queue&replica=r1&kind=mail&selected=8')
    expect(searchOf(changed(route, { replica: undefined, fields: {} }))).toBe('?view=queue&selected=7')
  })
})

describe('the stream', () => {
  const state = { at: '1', workers: { '/A': { state: 'ready' }, '/B': { runs: 1 } } }

  test('brings a state and patches of it; what is unchanged stays the same object', () => {
    const first = afterEvent(noLive(0), { type: 'state', data: state }, 1)
    const patch = { at: '2', workers: { '/A': { state: 'paused' } } }
    const second = afterEvent(first, { type: 'patch', data: patch }, 2)
    expect(second.state).toEqual({
      at: '2',
      workers: { '/A': { state: 'paused' }, '/B': { runs: 1 } },
    })
    expect(second.state!.workers['/B']).toBe(first.state!.workers['/B'])
    expect(second.heardAt).toBe(2)
  })

  test('brings no patch of nothing', () => {
    expect(afterEvent(noLive(0), { type: 'patch', data: {} }, 1).state).toBeUndefined()
  })

  test('is lost since it was, however often it is tried again', () => {
    const lost = afterEvent(noLive(0), { type: 'connection', connection: 'lost' }, 5)
    const failure = { code: 'no-answer', message: 'away' }
    const again = afterEvent(lost, { type: 'connection', connection: 'lost', failure }, 9)
    expect([again.since, again.failure]).toEqual([5, failure])
    const open = afterEvent(again, { type: 'connection', connection: 'open' }, 11)
    expect([open.since, open.failure, open.openedAt]).toEqual([11, undefined, 11])
  })

  test('keeps the last list when it is not known any more, and says why', () => {
    const list = { at: '1', ageMs: 0, kinds: [] }
    const failure = { code: 'database', message: 'away' }
    let live = afterEvent(noLive(0), { type: 'list', name: 'kinds', data: list }, 1)
    live = afterEvent(live, { type: 'list', name: 'kinds', data: failure }, 2)
    expect(live.lists['kinds']).toEqual({ value: list, failure, heardAt: 1 })
  })
})

describe('the tree', () => {
  const node = (state: string, kind = 'worker') => ({ state, kind }) as StateNode
  const workers: State['workers'] = {
    '': node('ready', 'supervisor'),
    '/A': node('ready', 'class'),
    '/A/One': node('failed'),
    '/B': node('ready', 'supervisor'),
    '/B/C': node('ready', 'supervisor'),
    '/B/C/D': node('paused'),
    '/B/E': node('ready'),
    '/X/Y/Z': node('hung'),
    // It came later.
    '/A/Two': node('ready'),
  }
  const rows = treeRows(workers)
  const lines = (shown: typeof rows): string[] => shown.map(({ level, name }) => `${level} ${name}`)

  test('has each worker beneath the one that it is in, or the next that is there', () => {
    expect(lines(rows)).toEqual([
      '1 this process',
      '2 A',
      '3 One',
      '3 Two',
      '2 B',
      '3 C',
      '4 D',
      '3 E',
      '2 X/Y/Z',
    ])
    expect(rows.map(({ beneath }) => beneath)).toEqual([8, 2, 0, 0, 3, 1, 0, 0, 0])
  })

  test('folds away what is beneath', () => {
    expect(lines([...shownRows(rows, new Set(['/A', '/B/C']), {})])).toEqual([
      '1 this process',
      '2 A',
      '2 B',
      '3 C',
      '3 E',
      '2 X/Y/Z',
    ])
  })

  test('shows what matches with all that it is in, folded or not', () => {
    const find = (filter: object): string[] => lines([...shownRows(rows, new Set(['/B']), filter)])
    expect(find({ text: 'c/d' })).toEqual(['1 this process', '2 B', '3 C', '4 D'])
    expect(find({ state: 'failed' })).toEqual(['1 this process', '2 A', '3 One'])
    expect(find({ text: 'nothing' })).toEqual([])
  })

  test('counts workers by state, the worst first, with those that are left out', () => {
    expect(stateCounts(workers, { ready: 5 })).toEqual([
      ['failed', 1],
      ['hung', 1],
      ['paused', 1],
      ['ready', 9],
    ])
  })
})

test('a table puts what is unknown last, whichever way it is sorted', () => {
  const rows = [{ value: 2 }, { value: undefined }, { value: 10 }, { value: 1 }]
  const columns = [{ name: 'value', sortBy: ({ value }: (typeof rows)[number]) => value }]
  const values = (sort: string) => sorted(rows, columns, sort).map(({ value }) => value)
  expect(values('value')).toEqual([1, 2, 10, undefined])
  expect(values('-value')).toEqual([10, 2, 1, undefined])
  expect(values('other')).toEqual([2, undefined, 10, 1])
})

describe('a plot', () => {
  test('ends at a round value', () => {
    const top = (...values: (number | undefined)[]) => roundMax([{ name: 'a', values }])
    expect([top(), top(0), top(1), top(3), top(60), top(700, undefined), top(0.03)]).toEqual([
      1, 1, 1, 3, 60, 800, 0.03,
    ])
  })

  test('has gaps where nothing is known', () => {
    const [{ line, area } = { line: '', area: '' }] = linesOf(
      [0, 1, 2, 3],
      [{ name: 'a', values: [0, 10, undefined, 5] }],
      10,
    )
    expect(line).toBe('M0 100L333.3 0M1000 50')
    expect(area).toBe('M0 100L333.3 0L333.3 100L0 100ZM1000 50L1000 100L1000 100Z')
  })
})

describe('the history of kinds', () => {
  const kind = (name: string, due: number) => ({ kind: name, due, waiting: due, running: 0 }) as Kind

  test('keeps a sample each 5 s of the last hour', () => {
    let history: readonly KindSample[] = []
    for (let at = 0; at <= 4_000_000; at += 2_000) history = withSample(history, [], at)
    expect(history.length).toBe(601)
    expect(history[0]!.at).toBeGreaterThanOrEqual(4_000_000 - 3_600_000 - 6_000)
  })

  test('has a gap where nobody looked, and adds kinds up', () => {
    const history = [0, 5_000, 60_000].map((at) => ({ at, kinds: [kind('a', 1), kind('b', 2)] }))
    expect(backlogOf(history, undefined).series[0]!.values).toEqual([3, 3, undefined, 3])
    expect(backlogOf(history, 'b').times).toEqual([0, 5_000, 5_001, 60_000])
    expect(backlogOf(history, 'b').series[0]!.values).toEqual([2, 2, undefined, 2])
  })
})

test.each([
  ['the whole run', '', { kind: 'supervisor', state: 'ready' }, []],
  ['a group by class', '/A', { kind: 'class', state: 'ready' }, []],
  ['a worker', '/A', { kind: 'worker', state: 'restarting' }, ['restart', 'stop']],
  ['one that is stopped', '/A', { kind: 'repeat', state: 'stopped' }, ['start']],
  ['repeat', '/A', { kind: 'repeat', state: 'ready' }, ['pause', 'trigger', 'restart', 'stop']],
  ['cron that is paused', '/A', { kind: 'cron', state: 'paused' }, ['resume', 'trigger', 'restart', 'stop']],
  ['cron by a lease', '/A', { kind: 'cron', state: 'ready', detail: { lease: 'a' } }, ['restart', 'stop']],
  ['a queue', '/A', { kind: 'queue', state: 'ready' }, ['pause', 'restart', 'stop']],
  ['a pool', '/A', { kind: 'pool', state: 'ready' }, ['reset', 'restart', 'stop']],
])('buttons are what can be done with %s', (_, path, node, verbs) => {
  expect(verbsOf(path, node as StateNode)).toEqual(verbs)
})

describe('the filters of jobs', () => {
  const now = Date.parse('2030-01-31T12:00:30.500Z')

  test('are a query of the API, of the same minute for a while', () => {
    const fields = { kind: 'mail', sort: 'x', after: 'y', within: '5m', key: '' }
    const query = { kind: 'mail', 'createdAt.gte': '2030-01-31T11:55:00.000Z' }
    expect(jobQueryOf(fields, now)).toEqual(query)
    expect(jobQueryOf(fields, now + 29_000)).toEqual(query)
  })

  test('of jobs that have ended are about their end, which DONE needs', () => {
    expect(jobQueryOf({ status: 'FAILED', within: '1d' }, now)).toEqual({
      status: 'FAILED',
      'endedAt.gte': '2030-01-30T12:00:00.000Z',
    })
    expect(jobQueryOf({ status: 'DONE' }, now)).toEqual({
      status: 'DONE',
      'endedAt.gte': '2030-01-31T11:00:00.000Z',
    })
  })
})

test("a job's status says what is known beside PENDING: what was asked for, what runs in this process, what it waits for", () => {
  const job = { id: 'a', kind: 'k', status: 'PENDING', waitsFor: ['b'] } as unknown as Parameters<
    typeof shownStatus
  >[0]
  const workers = {
    '/Jobs': { kind: 'queue', detail: { running: [{ id: 'a' }] } },
    '/Pool': { kind: 'pool' },
  }
  const running = runningJobs({ workers } as unknown as Parameters<typeof runningJobs>[0])
  const none = new Set<string>()
  expect([...running]).toEqual(['a'])
  expect(shownStatus(job, running)).toBe('RUNNING')
  expect(shownStatus(job, none)).toBe('BLOCKED')
  expect(shownStatus({ ...job, waitsFor: [] }, none)).toBe('PENDING')
  expect(shownStatus({ ...job, waitsFor: [] }, none, 'RUNNING')).toBe('RUNNING')
  expect(shownStatus({ ...job, status: 'DONE' }, running, 'RUNNING')).toBe('DONE')
})

describe('the filters of actions', () => {
  const now = Date.parse('2030-01-31T12:00:30.500Z')

  test('are a query of the API, of the same minute for a while', () => {
    const fields = {
      status: 'failed',
      target: 'lobby',
      errorContains: 'paper',
      within: '1 hour',
      sort: 'x',
      after: 'y',
    }
    const query = {
      status: 'failed',
      target: 'lobby',
      'error.contains': 'paper',
      'createdAt.gte': '2030-01-31T11:00:00.000Z',
    }
    expect(actionQueryOf(fields, now)).toEqual(query)
    expect(actionQueryOf(fields, now + 29_000)).toEqual(query)
    expect(actionQueryOf({ within: 'ever' }, now)).toEqual({})
  })

  test('have conditions on input and output, of which each needs a value', () => {
    const where = 'input.url.startsWith=https://a?b=c & output.size.gt=5'
    expect(actionQueryOf({ where }, now)).toEqual({
      'input.url.startsWith': 'https://a?b=c',
      'output.size.gt': '5',
    })
    expect(unfinishedIn(where)).toBeUndefined()
    expect(unfinishedIn('input.url=a&')).toBeUndefined()
    expect(unfinishedIn('input.url=a&input.size')).toBe('input.size')
    expect(unfinishedIn('input.url=')).toBe('input.url=')
  })

  test('and of values in a list, the beginning is shown', () => {
    expect(brief({ a: [1] })).toBe('{"a":[1]}')
    expect(brief('x'.repeat(300))).toBe(`${'x'.repeat(199)}…`)
  })
})
