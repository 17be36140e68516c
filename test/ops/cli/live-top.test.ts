import { Runtime, repeat, runAllWorkers } from 'runutil'
import { OpsServer } from 'runutil/ops'
import { JobQueue, MemoryJobStore, QueueWorker } from 'runutil/queue'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { commandLine } from '../../../packages/runutil/src/ops/cli/command-line.ts'
import { capturedLogger } from '../../support/logs.ts'
import { TestTerminal, runCommand } from '../../support/ops/test-terminal.ts'

const ENTER = '\u001b[?1049h'
const LEAVE = '\u001b[?25h\u001b[?1049l'

/** A program whose server can go and come back. */
class Served {
  readonly #stop = new AbortController()
  readonly #run: Promise<void>

  private constructor(run: (signal: AbortSignal) => Promise<void>) {
    this.#run = run(this.#stop.signal)
  }

  static async start(port: number): Promise<[Served, URL]> {
    const queue = new JobQueue(new MemoryJobStore())
    const ops = new OpsServer({ port, queue })
    const runtime = new Runtime()
    const workers = [
      { name: 'Ops', worker: ops },
      { name: 'Jobs', worker: new QueueWorker(queue).register('mail', () => {}) },
      { name: 'Tidy', worker: repeat('1h', () => {}) },
    ]
    const { logger } = capturedLogger()
    const served = new Served((signal) => runAllWorkers(workers, signal, { logger, runtime }))
    await runtime.ready()
    await queue.enqueue({ kind: 'mail', runAt: new Date('2100-01-01') })
    return [served, new URL(ops.url!)]
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#run
  }
}

let served: Served
let url: URL
beforeAll(async () => {
  ;[served, url] = await Served.start(0)
})
afterAll(() => served.stop())

function top(size: readonly [number, number] = [80, 24]) {
  const terminal = new TestTerminal({ size, env: { NO_COLOR: '1' } })
  const ended = commandLine(['top', '--url', url.href], terminal)
  const shows = (text: string) =>
    expect.poll(() => terminal.stdout.written, { timeout: 60_000 }).toContain(text)
  return { terminal, ended, shows, written: () => terminal.stdout.written }
}

test('without a terminal it prints one picture and ends', async () => {
  const { code, out } = await runCommand(['top', '--url', url.href])
  expect(code).toBe(0)
  expect(out).toMatch(/^process .*\nworkers by tree, kinds by name\nWORKER .*Tidy.*\n\nKIND .*\nmail /s)
  expect(out).not.toContain('\u001b')
})

test('top shows workers and kinds until q, and gives the screen back', async () => {
  const { terminal, ended, shows, written } = top()
  await shows('Tidy')
  await shows('mail')
  terminal.type('s')
  await shows('workers by state')
  terminal.type('/jo')
  await shows('filter: jo_')
  terminal.type('\r')
  await shows('filter: jo')
  terminal.resize(200, 50)
  await shows('\u001b[50;1H')
  terminal.type('q')
  expect(await ended).toBe(0)
  expect(written().startsWith(ENTER)).toBe(true)
  expect(written().endsWith(LEAVE)).toBe(true)
  expect(terminal.rawModes).toEqual([true, false])
  expect(terminal.stderr.written).toBe('')
})

test('it gives the screen back when the process is told to end', async () => {
  const { terminal, ended, shows, written } = top()
  await shows('Tidy')
  terminal.ending.abort()
  expect(await ended).toBe(0)
  expect(written().endsWith(LEAVE)).toBe(true)
})

test('and on an error', async () => {
  const { terminal, ended, shows, written } = top()
  await shows('Tidy')
  Object.defineProperty(terminal.stdout, 'columns', { get: () => fail() })
  expect(await ended).toBe(1)
  expect(written().endsWith(LEAVE)).toBe(true)
  expect(terminal.stderr.written).toBe('runutil: the screen is gone\n')
})

function fail(): never {
  throw new Error('the screen is gone')
}

test('it says that the connection is lost, and finds the server again', async () => {
  const { terminal, ended, shows } = top()
  await shows('Tidy')
  await served.stop()
  await shows('connection lost')
  terminal.stdout.written = ''
  ;[served] = await Served.start(Number(url.port))
  await shows('workers by tree')
  terminal.type('\u0003')
  expect(await ended).toBe(0)
})

test('without an answer at first it is 1, and says why once the screen is back', async () => {
  const terminal = new TestTerminal({ size: [80, 24] })
  expect(await commandLine(['top', '--url', 'http://127.0.0.1:1/'], terminal)).toBe(1)
  expect(terminal.stdout.written.endsWith(LEAVE)).toBe(true)
  expect(terminal.stderr.written).toContain('no answer from http://127.0.0.1:1/')
})
