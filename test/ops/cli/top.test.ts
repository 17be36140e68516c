import { describe, expect, test } from 'vitest'
import { type Key, afterKey } from '../../../packages/runutil/src/ops/cli/top/keys.ts'
import { Frame } from '../../../packages/runutil/src/ops/cli/top/frame.ts'
import { picture, withinBounds } from '../../../packages/runutil/src/ops/cli/top/picture.ts'
import {
  type TopModel,
  afterEvent,
  afterLoss,
  newModel,
} from '../../../packages/runutil/src/ops/cli/top/top-model.ts'
import { NO_STYLE } from '../../../packages/runutil/src/ops/cli/text/style.ts'
import { widthOf } from '../../../packages/runutil/src/ops/cli/text/width.ts'
import type { WorkerState } from '../../../packages/runutil/src/core/worker-state.ts'
import { TestTerminal } from '../../support/ops/test-terminal.ts'

const NOW = Date.parse('2030-01-01T00:01:00.000Z')
const AT = '2030-01-01T00:00:00.000Z'

const node = (state: WorkerState, more: object = {}) => ({
  kind: 'worker',
  state,
  since: AT,
  health: 'ok',
  runs: 0,
  failures: 0,
  restarts: 0,
  missed: 0,
  ...more,
})
const job = { id: 'e1', kind: 'export', since: AT, progress: { done: 1, total: 2, at: AT } }
const state = {
  at: '2030-01-01T00:01:00.000Z',
  replica: 'r1',
  workers: {
    '': node('ready', { kind: 'supervisor' }),
    '/Jobs': node('ready', { kind: 'queue', detail: { running: [job] } }),
    '/Shop': node('ready', { kind: 'supervisor' }),
    '/Shop/Cart': node('failed', { lastError: { name: 'Error', message: 'no\u001b[2J memory', at: AT } }),
    '/Shop/Stock': node('restarting', { restarts: 7, since: '2030-01-01T00:00:59.000Z' }),
  },
  loop: { utilization: 0, p99: 1 },
  memory: { rss: 1_048_576, heapUsed: 1, external: 1 },
}
const kind = (name: string, more: object = {}) => ({
  kind: name,
  waiting: 0,
  blocked: 0,
  due: 0,
  running: 0,
  failed: 0,
  paused: false,
  limits: { rates: [] },
  perMinute: [],
  ...more,
})
const kinds = { at: AT, ageMs: 0, kinds: [kind('mail', { due: 1 }), kind('export', { due: 9, failed: 2 })] }

const model = [
  { name: 'state', data: state },
  { name: 'kinds', data: kinds },
].reduce((so, event) => afterEvent(so, event, NOW), newModel('http://x/'))

const look = { now: NOW, style: NO_STYLE }
const key = (text: string | undefined, name = text, isControl = false): Key => ({ text, name, isControl })
const typed = (keys: readonly Key[], from: TopModel = model): TopModel =>
  keys.reduce((so, one) => afterKey(so, one)!, from)

describe('the picture', () => {
  test('is the tree, with jobs that report progress, and the kinds', () => {
    expect(picture(model, { ...look, width: 80, height: 16 })).toEqual([
      'process r1: 1 failed, 1 restarting, 2 ready; memory 1.0 MiB, loop p99 1 ms',
      'workers by tree, kinds by name',
      'WORKER         KIND        STATE       FOR  RESTARTS  PROGRESS         LAST ERR…',
      'this process   supervisor  ready       1 m         0',
      '  Jobs         queue       ready       1 m         0',
      '    export e1  job         running     1 m         0  █████░░░░░ 50 %',
      '  Shop         supervisor  ready       1 m         0',
      '    Cart       worker      failed      1 m         0                   no\\x1b[2…',
      '    Stock      worker      restarting  1 s         7',
      '',
      'KIND    DUE  WAITING  BLOCKED  RUNNING  FAILED  DONE/H',
      'mail      1        0        0        0       0       0',
      'export    9        0        0        0       2       0',
      '',
      '',
      expect.stringMatching(/^q quit · s sort workers · k sort kinds · \/ filter · ↑↓ scroll +$/),
    ])
  })

  test.for([
    [80, 24],
    [200, 50],
    [40, 10],
    [20, 5],
    [10, 2],
    [1, 1],
  ] as const)('is exactly as high as a screen of %i × %i, and no wider', ([width, height]) => {
    for (const one of [model, newModel('http://x/'), afterLoss(model, 'gone', NOW)]) {
      const lines = picture(one, { ...look, width, height })
      expect(lines).toHaveLength(height)
      expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(width)
      expect(lines.join('')).not.toContain('\u001b')
    }
  })

  test('counts on while nothing comes', () => {
    const lines = picture(model, { ...look, now: NOW + 5_000 })
    expect(lines.find((line) => line.includes('Stock'))).toContain(' 6 s ')
  })

  test('says that the connection is lost, since when and why, until something comes', () => {
    const lost = afterLoss(afterLoss(model, 'refused', NOW), 'still refused', NOW + 9_000)
    const [, status] = picture(lost, { ...look, now: NOW + 10_000 })
    expect(status).toBe('connection lost 10 s ago, trying again: still refused')
    expect(afterEvent(lost, { name: 'patch', data: {} }, NOW).lost).toBeUndefined()
  })

  test('takes patches, and what the kinds fail with', () => {
    const patched = afterEvent(model, { name: 'patch', data: { workers: { '/Jobs': null } } }, NOW)
    expect(picture(patched, look).join('\n')).not.toContain('Jobs')
    const failed = afterEvent(newModel('http://x/'), { name: 'kinds', data: { message: 'no queue' } }, NOW)
    expect(picture(failed, look)).toContain('kinds: no queue')
  })
})

describe('keys', () => {
  const names = (one: TopModel): string[] =>
    picture(one, look)
      .slice(3)
      .map((line) => line.trim().split(/ {2,}/)[0]!)
      .filter((name) => name.startsWith('/'))

  test.for([
    ['s', ['/Shop/Cart', '/Shop/Stock', '/Jobs']],
    ['ss', ['/Shop/Stock', '/Jobs', '/Shop/Cart']],
    ['sss', ['/Shop/Stock', '/Jobs', '/Shop/Cart']],
    ['ssss', []],
  ] as const)('%s sorts the workers', ([keys, sorted]) => {
    expect(names(typed([...keys].map((text) => key(text))))).toEqual(sorted)
  })

  test.for([
    ['k', ['export', 'mail']],
    ['kkk', ['export', 'mail']],
    ['kkkk', ['mail', 'export']],
  ] as const)('%s sorts the kinds', ([keys, sorted]) => {
    const lines = picture(typed([...keys].map((text) => key(text))), look)
    expect(lines.slice(-2).map((line) => line.split(' ')[0])).toEqual(sorted)
  })

  test('a filter is typed after a slash, and keeps what a worker is in', () => {
    const filtered = typed([key('/'), ...[...'caxr'].map((text) => key(text))])
    const corrected = typed([key(undefined, 'backspace'), key(undefined, 'backspace'), key('r')], filtered)
    expect(corrected.filter).toBe('car')
    expect(picture(corrected, look)[1]).toContain('filter: car_')
    const kept = typed([key('\r', 'return')], corrected)
    expect(
      picture(kept, look)
        .slice(3, 6)
        .map((line) => line.trim().split(' ')[0]),
    ).toEqual(['this', 'Shop', 'Cart'])
    expect(typed([key('\u001b', 'escape')], kept).filter).toBe('')
  })

  test('q, Ctrl-C and Ctrl-D end, but q is a letter in a filter', () => {
    expect(afterKey(model, key('q'))).toBeUndefined()
    expect(afterKey(model, key('\u0003', 'c', true))).toBeUndefined()
    expect(afterKey(typed([key('/')]), key('\u0004', 'd', true))).toBeUndefined()
    expect(typed([key('/'), key('q')]).filter).toBe('q')
  })

  test('scroll no further than to the last workers', () => {
    const end = withinBounds(typed([key(undefined, 'end')]), 10)
    expect(end.scroll).toBe(3)
    expect(picture(end, { ...look, width: 80, height: 10 })[1]).toContain('from worker 4 of 6')
    expect(typed([key(undefined, 'home')], end).scroll).toBe(0)
  })
})

test('a frame writes only the lines that differ', () => {
  const { stdout } = new TestTerminal({ size: [20, 3] })
  const frame = new Frame(stdout)
  const written = (): string => stdout.written.replaceAll('\u001b', '^')
  frame.enter()
  frame.draw(['a', 'b', 'c'])
  stdout.written = ''
  frame.draw(['a', 'x', 'c'])
  expect(written()).toBe('^[2;1H^[2Kx')
  stdout.written = ''
  frame.draw(['a'])
  expect(written()).toBe('^[2;1H^[2K^[3;1H^[2K')
  stdout.written = ''
  frame.leave()
  frame.leave()
  expect(written()).toBe('^[?25h^[?1049l')
})
