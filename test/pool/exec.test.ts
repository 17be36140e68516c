import {
  EmptyPayloadError,
  JobError,
  PayloadTooLargeError,
  type ProcessPoolOptions,
  WorkerError,
} from 'runutil/pool'
import { describe, expect, it } from 'vitest'
import { errorOf, node, textOf, withPool } from '../support/pool/pools.ts'

const relays: Required<Pick<ProcessPoolOptions, 'relay' | 'protocol'>>[] = (
  ['pipes', { socket: 'unix' }, { socket: 'tcp' }] as const
).flatMap((relay) =>
  (['goridge2', 'goridge2-legacy', 'goridge3'] as const).map((protocol) => ({ relay, protocol })),
)

describe.each(relays)('exec over %j', (options) => {
  it('answers what the handler returned, whatever that was', async () => {
    await withPool({ ...options, numWorkers: 2 }, async (pool) => {
      const told = options.relay === 'pipes' ? /^pipes / : /^(unix:\/\/\/|tcp:\/\/127\.0\.0\.1:)/
      expect(await textOf(pool.exec('echo me'))).toBe('echo me')
      expect(await textOf(pool.exec('env'))).toMatch(told)
      expect(await textOf(pool.exec('nothing'))).toBe('')
      expect(await textOf(pool.exec('slow 1'))).toBe('slow 1')
      expect(await pool.exec({ context: Buffer.from('c'), body: Buffer.from('both') })).toEqual({
        context: Buffer.from('c'),
        body: Buffer.from('both'),
      })
      expect(await pool.exec({ context: Buffer.from('only') })).toEqual({ body: Buffer.from('') })
    })
  })

  it('carries any bytes and any size, both ways', async () => {
    await withPool(options, async (pool) => {
      for (const size of [1, 255, 65_536, 65_537, 3_000_000]) {
        const bytes = Buffer.alloc(size, 'echo \0\n\xff\u{1f40e}')
        expect(((await pool.exec(bytes)).body as Buffer).equals(bytes)).toBe(true)
        expect(await textOf(pool.exec({ context: bytes, body: Buffer.from('size') }))).toBe('4')
      }
      expect((await pool.exec('large 20000000')).body).toHaveLength(20_000_000)
    })
  })

  it('rejects with a JobError whatever was thrown, or returned that is no answer, and the worker goes on', async () => {
    await withPool(options, async (pool) => {
      const { pid } = pool.workers[0]!
      const oddities = [
        'undefined',
        '[Object: null prototype] {}',
        '{ code: 3 }',
        'undefined',
        "{ no: 'text' }",
      ]
      for (const [which, said] of [...oddities, 'e'.repeat(65_536)].entries()) {
        const error = await errorOf(pool.exec(`fail-with ${which}`))
        expect(error).toBeInstanceOf(JobError)
        expect(Buffer.from((error as JobError).payload).toString()).toBe(said)
      }
      const unsaid = (await errorOf(pool.exec('fail-with 6'))) as JobError
      expect(unsaid.message).toBe('the task failed, and its worker did not say why')
      expect(unsaid.payload).toHaveLength(0)
      for (let which = 0; which < 6; which++) {
        const error = await errorOf(pool.exec(`unsendable ${which}`))
        expect(error.message).toMatch(
          'expected the handler to return a string, a Uint8Array or { context?, body? }',
        )
      }
      expect(await textOf(pool.exec('pid'))).toBe(`${pid}`)
    })
  })

  it('rejects with a JobError what the handler threw, and the worker goes on', async () => {
    await withPool(options, async (pool) => {
      const { pid } = pool.workers[0]!
      for (const [task, said] of [
        ['fail', 'bad task'],
        ['fail-later', 'bad task, later'],
        ['fail-oddly', 'just text'],
        ['nonsense', /expected the handler to return a string, .*; got 42/],
      ] as const) {
        const error = await errorOf(pool.exec(task))
        expect(error).toBeInstanceOf(JobError)
        expect(error.message).toMatch(said)
        expect(Buffer.from((error as JobError).payload).toString()).toBe(error.message)
      }
      expect(await textOf(pool.exec('pid'))).toBe(`${pid}`)
      expect(pool.workers[0]).toMatchObject({ state: 'ready', numExecs: 5 })
    })
  })

  it('runs one task a worker at a time, and those that wait in their order', async () => {
    await withPool({ ...options, numWorkers: 2 }, async (pool) => {
      const answered: string[] = []
      const tasks = ['slow 800', 'slow 10', 'a', 'b', 'c'].map((task) =>
        textOf(pool.exec(task)).then((text) => answered.push(text)),
      )
      expect(pool.workers.map(({ state }) => state)).toEqual(['working', 'working'])
      await Promise.all(tasks)
      expect(answered).toEqual(['slow 10', 'a', 'b', 'c', 'slow 800'])
    })
  })

  it('rejects with a WorkerError a task whose worker exits, and has another in its place', async () => {
    await withPool(options, async (pool, { destruct, created, error }) => {
      const [first] = pool.workers
      const failure = (await errorOf(pool.exec('exit-loudly 3'))) as WorkerError
      expect(failure).toBeInstanceOf(WorkerError)
      expect(failure).toMatchObject({ pid: first!.pid, exitCode: 3, signal: null })
      expect(failure.stderr).toBe('first line\nlast words\n')
      expect(failure.message).toMatch(
        /exited with code 3 in the middle of a task; its stderr:\n.*last words/s,
      )
      expect(await textOf(pool.exec('echo'))).toBe('echo')
      expect(destruct.values.map(({ pid }) => pid)).toEqual([first!.pid])
      expect(error.values).toEqual([{ error: failure, pid: first!.pid }])
      expect(created.count).toBe(2)
      expect(first!.state).toBe('errored')
    })
  })

  it('refuses a task of nothing, and one that is too large, before it is sent', async () => {
    await withPool({ ...options, maxFrame: 1000 }, async (pool) => {
      for (const nothing of ['', Buffer.alloc(0), {}, { context: Buffer.alloc(0), body: Buffer.alloc(0) }]) {
        expect(await errorOf(pool.exec(nothing))).toBeInstanceOf(EmptyPayloadError)
      }
      expect(await errorOf(pool.exec('x'.repeat(1001)))).toBeInstanceOf(PayloadTooLargeError)
      expect((await pool.exec('x'.repeat(1000))).body).toHaveLength(1000)
      expect(pool.workers[0]!.numExecs).toBe(1)
      expect((await errorOf(pool.exec('large 1001'))).message).toMatch(
        /at most 1000 bytes \(maxFrame\), not of 1001/,
      )
    })
  })
})

describe('exec', () => {
  it.each([
    42,
    null,
    undefined,
    { body: 'text', context: 1 },
    [1],
    new Map(),
    new ArrayBuffer(3),
    { text: 1 },
  ])('refuses %o', async (payload) => {
    await withPool({}, async (pool) => {
      const error = await errorOf(pool.exec(payload as never))
      expect(error.message).toMatch(/exec: expected a string, a Uint8Array or \{ context\?, body\? \}/)
      expect(await textOf(pool.exec('echo'))).toBe('echo')
    })
  })

  it.each([
    [{ timeout: 'soon' }, /exec: timeout/],
    [{ time: 1 }, /unknown option 'time'.*timeout/],
    [{ signal: 1 }, /exec: signal: expected an AbortSignal/],
  ])('refuses the options %j', async (options, said) => {
    await withPool({}, async (pool) => {
      expect((await errorOf(pool.exec('echo', options as never))).message).toMatch(said)
    })
  })

  it('gives each process its own environment, with that and the folder of its spec', async () => {
    const [command, ...args] = node as [string, ...string[]]
    const spec = { command, args, cwd: '/', env: { COLOUR: 'green' } }
    await withPool({ command: () => spec }, async (pool) => {
      expect(await textOf(pool.exec('env'))).toBe('pipes green /')
      expect(await textOf(pool.exec('path'))).toBe(process.env['PATH'])
    })
  })
})
