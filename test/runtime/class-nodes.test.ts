import { type Runnable, type RuntimeEvent, Worker, type WorkerNode, backoff, repeat, wait } from 'runutil'
import { describe, expect, test } from 'vitest'
import { untilAbort } from '../support/outcome.ts'
import { ObservedRun } from '../support/runtime/observed-run.ts'

interface Told {
  state: string
  runs: number
  failures: number
  restarts: number
}

const MOVES = new Set(
  'waiting starting ready paused restarting stopping hung stopped done failed abandoned'.split(' '),
)

/** A run of one class, /Classy, that compares its events with its node at each event. */
class ClassRun extends ObservedRun {
  readonly types: string[] = []
  readonly differences: unknown[] = []
  readonly #told: Told = { state: 'waiting', runs: 0, failures: 0, restarts: 0 }

  constructor(group: string) {
    super()
    this.runtime.on((event) => this.#hear(event))
    void this.startGroup(group)
  }

  get node(): WorkerNode {
    return this.runtime.get('/Classy')!
  }

  #hear({ path, type }: RuntimeEvent): void {
    if (path === '/Classy') {
      this.types.push(type)
      if (MOVES.has(type)) this.#told.state = type
      if (type === 'starting') this.#told.runs++
      if (type === 'failed') this.#told.failures++
      if (type === 'restarting') this.#told.restarts++
    }
    const { state, runs, failures, restarts } = this.node
    const is = { state, runs, failures, restarts }
    if (JSON.stringify(is) !== JSON.stringify(this.#told))
      this.differences.push([path, type, is, { ...this.#told }])
  }

  override async end(): Promise<void> {
    await super.end()
    expect(this.differences).toEqual([])
  }
}

describe('the node of a class', () => {
  test('has the state of its least advanced worker, as do its events', async () => {
    let fails = 2
    @Worker({ group: 'class-nodes.restart' })
    class Classy {
      workers = (): Runnable[] => [
        { name: 'A', worker: untilAbort, startTimeout: '1h' },
        {
          name: 'B',
          worker: async (signal) => {
            await wait('1s', signal)
            if (fails-- > 0) throw new Error('not yet')
            await untilAbort(signal)
          },
          retry: backoff('1m'),
        },
        { name: 'C', worker: repeat('1h', () => {}) },
      ]
    }
    void Classy
    const run = new ClassRun('class-nodes.restart')
    await run.clock.advance(0)
    expect(run.node.state).toBe('starting')
    await run.runtime.stop('/Classy/A')
    expect(run.node.state).toBe('ready')
    await run.clock.advance('2s')
    expect(run.node).toMatchObject({ state: 'restarting', lastError: { message: 'not yet' } })
    await run.clock.advance('5m')
    expect(run.node).toMatchObject({ state: 'ready', runs: 3, failures: 2, restarts: 2 })
    await run.runtime.pause('/Classy/C')
    await run.runtime.stop('/Classy/B')
    expect(run.node.state).toBe('paused')
    await run.runtime.add('/Classy', { name: 'D', worker: untilAbort, startTimeout: '1h' })
    expect(run.node.state).toBe('starting')
    await run.runtime.remove('/Classy/D')
    await run.runtime.resume('/Classy/C')
    expect(run.node.state).toBe('ready')
    await run.end()
    expect(run.types.slice(-2)).toEqual(['stopping', 'stopped'])
  })

  test('is done when all its workers are', async () => {
    @Worker({ group: 'class-nodes.done' })
    class Classy {
      workers = (): Runnable[] => [
        { name: 'Once', worker: () => wait('1s'), restart: 'transient' },
        { name: 'Twice', worker: () => wait('2s'), restart: 'transient' },
      ]
    }
    void Classy
    const run = new ClassRun('class-nodes.done')
    await run.clock.advance('3s')
    expect(run.node.state).toBe('done')
    await run.end()
    expect(run.types).toEqual(['starting', 'ready', 'done'])
  })

  test('is that of a supervisor if the class is supervised as a whole', async () => {
    @Worker({ group: 'class-nodes.supervised', supervise: { retry: backoff('1m') } })
    class Classy {
      workers = (): Runnable[] => [
        {
          name: 'A',
          worker: async (signal) => {
            await wait('1s', signal)
            if (!signal.aborted) throw new Error('down')
          },
        },
      ]
    }
    void Classy
    const run = new ClassRun('class-nodes.supervised')
    await run.clock.advance('30s')
    expect(run.node).toMatchObject({ kind: 'class', strategy: 'one_for_one', state: 'ready', runs: 1 })
    expect(run.node.children).toMatchObject([{ state: 'restarting' }])
    await run.end()
    expect(run.types).toEqual(['starting', 'ready', 'stopping', 'stopped'])
  })
})
