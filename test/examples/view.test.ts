import type { RuntimeEvent, WorkerNode } from 'runutil'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { statusOf, treeOf } from '../../packages/examples/src/repo-watch/status.ts'
import { View } from '../../packages/examples/src/repo-watch/view.ts'

const NOW = new Date('2026-01-01T12:00:00Z')

function node(path: string, rest: Partial<WorkerNode> = {}): WorkerNode {
  return {
    path,
    kind: 'worker',
    state: 'ready',
    since: NOW,
    health: 'ok',
    runs: 1,
    failures: 0,
    restarts: 0,
    missed: 0,
    children: [],
    ...rest,
  }
}

const root = node('', {
  kind: 'supervisor',
  children: [
    node('/Refs', {
      kind: 'class',
      runs: 0,
      children: [node('/Refs/Look', { kind: 'repeat', runs: 3, nextRunAt: new Date(NOW.getTime() + 2_500) })],
    }),
    node('/Drill', {
      state: 'restarting',
      failures: 1,
      restarts: 1,
      lastError: { name: 'Error', message: 'no connection', at: NOW },
    }),
  ],
})

describe('the status', () => {
  it('counts workers, not classes, and what they did', () => {
    expect(statusOf(root, NOW)).toBe(
      '2 workers: 1 ready, 1 restarting; 4 runs, 1 failure, 1 restart; next in 3 s',
    )
  })

  it('has a line for each class and worker in its tree', () => {
    expect(treeOf(root)).toEqual([
      'Refs                  class     ready',
      '  Look                repeat    ready       3 runs',
      'Drill                 worker    restarting  1 run  1 restart  last error: no connection',
    ])
  })
})

describe('a job that runs', () => {
  const detail = {
    running: [
      {
        id: 'count/1f0c2d3e',
        kind: 'count',
        attempt: 1,
        progress: { done: 2, total: 7, note: 'cart.ts', at: NOW },
      },
      { id: 'abcdef01', kind: 'commit', attempt: 2 },
    ],
    waiting: 3,
  }
  const reader = node('', {
    children: [
      node('/Reader', { kind: 'class', children: [node('/Reader/Jobs', { kind: 'queue', detail })] }),
    ],
  })

  it('is in the status with its progress', () => {
    expect(statusOf(reader, NOW)).toMatch(/0 restarts; count 1f0c2d3: 2 of 7 files; commit abcdef0$/)
  })

  it('is beneath its worker in the tree, with its attempt and what it is at', () => {
    expect(treeOf(reader)).toEqual([
      'Reader                class     ready       1 run',
      '  Jobs                queue     ready       1 run',
      '    count 1f0c2d3  attempt 1  2 of 7 files  cart.ts',
      '    commit abcdef0  attempt 2',
    ])
  })
})

/** A run, and a screen that keeps what was written. */
class Stage {
  readonly written: string[] = []
  #listener: (event: RuntimeEvent) => void = () => {}
  readonly view: View

  constructor(isTTY: boolean, verbose = false) {
    const runtime = {
      tree: () => root,
      on: (listener: (event: RuntimeEvent) => void) => {
        this.#listener = listener
        return () => (this.#listener = () => {})
      },
    }
    const screen = { isTTY, columns: 30, write: (text: string) => this.written.push(text) }
    this.view = new View(runtime, screen, verbose)
  }

  emit(type: 'ready' | 'stopping', path: string): void {
    this.#listener({ at: NOW, path, type })
  }
}

describe('on a terminal', () => {
  afterEach(() => vi.useRealTimers())

  it('the status is redrawn beneath what is printed, in the width of the screen', () => {
    const { view, written } = new Stage(true)
    view.print('one\n')
    view.print('two\n')
    view.close()
    view.print('three\n')
    const status = '2 workers: 1 ready, 1 restart'
    expect(written).toEqual([`one\n${status}`, `\r\x1b[Jtwo\n${status}`, '\r\x1b[J', 'three\n'])
  })

  it('the tree above it is redrawn too', () => {
    const { view, written } = new Stage(true, true)
    view.print('')
    view.print('')
    expect(written[0]!.split('\n')).toHaveLength(4)
    expect(written[1]).toBe(`\r\x1b[3A\x1b[J${written[0]}`)
    view.close()
  })

  it('it is redrawn at each event and each second, until it is closed', () => {
    vi.useFakeTimers()
    const stage = new Stage(true)
    stage.emit('stopping', '/Drill')
    expect(stage.written).toHaveLength(1)
    vi.advanceTimersByTime(2_000)
    expect(stage.written).toHaveLength(3)
    stage.view.close()
    stage.emit('stopping', '/Drill')
    vi.advanceTimersByTime(2_000)
    expect(stage.written).toHaveLength(4)
  })
})

describe('elsewhere', () => {
  afterEach(() => vi.useRealTimers())

  it('the status is a line when all are ready, and each minute', () => {
    vi.useFakeTimers()
    const stage = new Stage(false)
    stage.view.print('one\n')
    stage.emit('stopping', '/Drill')
    stage.emit('ready', '/Drill')
    expect(stage.written).toEqual(['one\n'])
    stage.emit('ready', '')
    vi.advanceTimersByTime(60_000)
    stage.view.close()
    expect(stage.written.slice(1)).toEqual([
      expect.stringMatching(/^\d\d:\d\d:\d\d 2 workers: 1 ready, .*\n$/),
      expect.stringMatching(/^\d\d:\d\d:\d\d 2 workers: 1 ready, .*\n$/),
      '',
    ])
  })
})
