import { AsyncLocalStorage } from 'node:async_hooks'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { JobError, ProcessPool, type WorkerProcess } from 'runutil/pool'
import { describe, expect, it } from 'vitest'
import type { SupervisedWorker } from '../../packages/runutil/src/pool/worker/supervised-worker.ts'
import { capturedLogger, withLogger } from '../support/logs.ts'
import { errorOf, freshPool, textOf, withPool } from '../support/pool/pools.ts'
import type { handlers } from './programs/calls.ts'

const program = (name: string): URL => new URL(`programs/${name}`, import.meta.url)

describe('module', () => {
  it.each([program('node.mjs'), program('node.mjs').href, fileURLToPath(program('node.mjs'))])(
    'runs a file of Node: %s',
    async (module) => {
      await withPool({ command: undefined, module }, async (pool) => {
        expect(await textOf(pool.exec('echo'))).toBe('echo')
      })
    },
  )

  it('runs the source where the program was started with a loader, and says so where it was not', () => {
    const script = `
      import { ProcessPool } from 'runutil/pool'
      const pool = new ProcessPool({ module: ${JSON.stringify(program('calls.js').href)}, numWorkers: 1 })
      await pool.start()
      console.log(await pool.call('add', [1, 2]))
      await pool.destroy()`
    const run = (...options: string[]) =>
      spawnSync(process.execPath, [...options, '--input-type=module', '-e', script], {
        cwd: fileURLToPath(new URL('../..', import.meta.url)),
        encoding: 'utf8',
      })
    expect(run('--import', 'tsx')).toMatchObject({ stdout: '3\n', status: 0 })
    const plain = run()
    if (plain.status === 0) expect(plain.stdout).toBe('3\n')
    else
      expect(plain.stderr).toMatch(
        /Node \d+\.\d+\.\d+ doesn't run TypeScript, and there is only .*calls\.ts: build it, or/,
      )
  })

  it('takes the built file where both are there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'module-'))
    const child = new URL('../../packages/runutil/dist/pool/child/index.js', import.meta.url).href
    writeFileSync(join(folder, 'w.mts'), 'this is no program')
    writeFileSync(
      join(folder, 'w.mjs'),
      `import { serve } from ${JSON.stringify(child)}\nawait serve(() => 'built')`,
    )
    await withPool({ command: undefined, module: pathToFileURL(join(folder, 'w.mjs')) }, async (pool) => {
      expect(await textOf(pool.exec('which'))).toBe('built')
    })
    rmSync(folder, { recursive: true })
  })

  it.each([
    [{ module: '/no/such/file.js' }, /module: expected a file that is there, or \/no\/such\/file\.ts; got/],
    [{ module: 42 as never }, /module: expected a file URL or a path; got 42/],
    [{ module: '/x.js', command: ['x'] }, /command: expected none beside module/],
    [{}, /command: expected \['program'/],
  ])('refuses %j', (options, said) => {
    expect(() => new ProcessPool(options)).toThrow(said)
  })
})

describe('call', () => {
  const pool = (): ProcessPool<typeof handlers> =>
    new ProcessPool<typeof handlers>({
      command: [process.execPath, '--import', 'tsx', fileURLToPath(program('calls.ts'))],
      numWorkers: 1,
    })

  it('has JSON go in and come out, with types, and says what failed', async () => {
    await using calls = pool()
    await calls.start()
    const sum: number = await calls.call('add', [1, 2])
    expect(sum).toBe(3)
    expect(await calls.call('later', { text: 'é' })).toEqual({ text: 'É' })
    expect(await calls.call('nothing', undefined)).toBeUndefined()
    const failed = await errorOf(calls.call('fail', undefined))
    expect(failed).toBeInstanceOf(JobError)
    expect(failed.message).toBe('no such thing')
    expect((await errorOf(calls.call('toString' as 'fail', undefined))).message).toBe(
      "there is no handler 'toString'; there are add, later, nothing, fail, odd, progress, report-twice",
    )
    expect((await errorOf(calls.call('odd', undefined))).message).toMatch(/handler 'odd' returned: expected/)
    for (const input of [1n, [NaN, 1], [new Map(), 1]]) {
      expect((await errorOf(calls.call('add', input as never))).message).toMatch(/^call: input.*: expected/)
    }
    expect((await errorOf(calls.exec('text'))).message).toMatch('this worker takes calls only')
    expect(calls.workers[0]!.numExecs).toBe(7)
    const seen: unknown[] = []
    await calls.call('progress', 3, { onProgress: (value) => seen.push(value) })
    expect(seen).toEqual([{ step: 1 }, { step: 2 }, { step: 3 }])
  })

  it('hears no progress that an earlier one reports by its own tools', async () => {
    await using calls = pool()
    await calls.start()
    const seen: unknown[] = []
    for (const name of ['a', 'b', 'c']) {
      await calls.call('report-twice', name, { onProgress: (value) => seen.push(value) })
    }
    expect(seen).toEqual(['a', 'b', 'c'])
  })

  it('is over with its pool, which await using destroys', async () => {
    let left: ProcessPool
    {
      await using one = freshPool().pool
      await one.start()
      left = one
    }
    expect((await errorOf(left.exec('echo'))).name).toBe('PoolDestroyedError')
  })
})

describe('progress', () => {
  it.each(['goridge2', 'goridge2-legacy', 'goridge3'] as const)(
    'reaches onProgress of its task alone in %s',
    async (protocol) => {
      await withPool({ protocol, pipelining: 2 }, async (pool) => {
        const seen: unknown[][] = [[], []]
        const onProgress = (at: number) => ({ onProgress: (value: unknown) => void seen[at]!.push(value) })
        const tasks = [
          pool.exec('report 1', onProgress(0)),
          pool.exec('report 5', onProgress(1)),
          pool.exec('report 9'),
        ]
        expect(await Promise.all(tasks.map((task) => textOf(task)))).toEqual([
          'reported',
          'reported',
          'reported',
        ])
        expect(seen).toEqual([
          [1, null, { n: 1 }],
          [5, null, { n: 5 }],
        ])
        expect(pool.workers[0]!.numExecs).toBe(3)
      })
    },
  )

  it('is heard in the stores of its caller, and listeners of the pool have those of none', async () => {
    const storage = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    const { pool } = freshPool({ minWorkers: 0, numWorkers: 1 })
    pool.on('created', () => seen.push(['created', storage.getStore()]))
    const report = (name: string): Promise<unknown> =>
      storage.run(name, () =>
        pool.exec('report 1', { onProgress: (value) => seen.push([value, storage.getStore()]) }),
      )
    await pool.start()
    const tasks = [report('a'), report('b')]
    await Promise.all(tasks)
    await pool.destroy()
    const byCaller = ['a', 'b'].flatMap((name) => [1, null, { n: 1 }].map((value) => [value, name]))
    expect(seen).toEqual([['created', undefined], ...byCaller])
  })

  it('has to be JSON, or else the task fails and its worker goes on', async () => {
    await withPool({}, async (pool, { created }) => {
      for (let which = 0; which < 6; which++) {
        const error = await errorOf(pool.exec(`report-oddly ${which}`))
        expect(error).toBeInstanceOf(JobError)
        expect(error.message).toMatch(/^reportProgress: value: expected a JSON value; got /)
      }
      expect(created.count).toBe(1)
    })
  })

  it('is told to a callback whose errors are logged once, and harm nobody', async () => {
    await withPool({}, async (pool) => {
      const { logger, lines } = capturedLogger()
      const thrown = (): void => {
        throw new Error('thrown')
      }
      const rejected = (): unknown => Promise.reject(new Error('rejected'))
      for (const onProgress of [thrown, rejected]) {
        const told = withLogger(logger, () => textOf(pool.exec('report 1', { onProgress })))
        expect(await told).toBe('reported')
      }
      expect(lines.map(({ err }) => (err as Error).message)).toEqual(['thrown', 'rejected'])
    })
  })

  it('has to be heard by a function', async () => {
    await withPool({}, async (pool) => {
      expect((await errorOf(pool.exec('echo', { onProgress: 1 as never }))).message).toMatch(
        'exec: onProgress: expected a function',
      )
    })
  })
})

describe('execTimeout', () => {
  it('ends a task that has no timeout of its own', async () => {
    await withPool({ execTimeout: '300ms' }, async (pool) => {
      expect(await errorOf(pool.exec('slow 60000'))).toMatchObject({
        name: 'TaskTimeoutError',
        timeoutMs: 300,
      })
      expect(await textOf(pool.exec('slow 600', { timeout: '30s' }))).toBe('slow 600')
    })
  })
})

function answersPings(worker: WorkerProcess): boolean {
  return (worker as SupervisedWorker).answersPings
}

describe('an idle worker that is frozen', () => {
  it.each(['pipes', { socket: 'unix' }] as const)(
    'is found and replaced before it gets a task, over %j',
    async (relay) => {
      await withPool({ relay, pingInterval: '1s' }, async (pool, { created, error }) => {
        const [worker] = pool.workers
        // It has answered a ping: from now on it is judged.
        await expect.poll(() => answersPings(worker!)).toBe(true)
        process.kill(worker!.pid, 'SIGSTOP')
        await created.times(2)
        const { message } = error.values[0]!.error
        expect(message).toMatch('was killed while idle: it answered no ping for 1000 ms')
        expect(await textOf(pool.exec('echo'))).toBe('echo')
      })
    },
  )

  it('is left alone where pings are off', async () => {
    await withPool({ pingInterval: false }, async (pool) => {
      expect(answersPings(pool.workers[0]!)).toBe(false)
    })
  })
})
