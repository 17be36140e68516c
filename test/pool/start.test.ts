import { HandshakeError, PoolDestroyedError, SpawnError, WorkerError } from 'runutil/pool'
import { describe, expect, it, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import {
  errorOf,
  expectNothingLeft,
  freshPool,
  isAlive,
  node,
  odd,
  pidsOf,
  textOf,
  withPool,
} from '../support/pool/pools.ts'

describe('start', () => {
  it('resolves when all workers are up', async () => {
    await withPool({ numWorkers: 4 }, async (pool, { created }) => {
      expect(pool.workers).toHaveLength(4)
      expect(pidsOf(created.values)).toEqual(pidsOf(pool.workers))
      expect(new Set(pool.workers.map(({ pid }) => pid)).size).toBe(4)
      for (const worker of pool.workers) {
        expect(worker).toMatchObject({ state: 'ready', numExecs: 0 })
        expect(isAlive(worker.pid)).toBe(true)
      }
    })
  })

  it.each([
    ['never answers', 'expected an answer within 300 ms; got none'],
    ['answers another pid', /expected the pid spawned, (\d+); got \d+/],
    ['answers no json', 'expected a control frame with {"pid":<its pid>} (flags 16); got "hello"'],
    ['answers without a control frame', 'expected a control frame with {"pid":<its pid>} (flags 4)'],
    ['prints before it answers', /got "Deprecated: fopen\(\) in worker.php\\n".*: print to stderr/],
    ['goes on talking', 'expected nothing after the pid'],
    ['exits at once', 'its handshake failed: it exited with code 0'],
    ['exits at once, loudly', /exited with code 3; its stderr:\nno such module$/],
  ])('rejects when a worker %s, and says how', async (way, said) => {
    const { pool, seen } = freshPool({
      command: odd(way),
      numWorkers: 2,
      handshakeTimeout: way === 'never answers' ? '300ms' : '20s',
    })
    const error = (await errorOf(pool.start())) as HandshakeError
    expect(error).toBeInstanceOf(HandshakeError)
    expect(error.message).toMatch(said)
    expect(error.pid).toBeGreaterThan(0)
    expect(isAlive(error.pid!)).toBe(false)
    expect(seen.error.values.map((each) => each.error)).toEqual([error])
    await pool.destroy()
    expectNothingLeft(pool, seen)
  })

  it.each(['unix', 'tcp'] as const)(
    'rejects over %s when a worker connects and stays silent, and it holds up no other',
    async (socket) => {
      const program = `
        const { connect } = await import('node:net')
        const { pathname, hostname, port, protocol } = new URL(process.env.RR_RELAY)
        connect(protocol === 'unix:' ? pathname : { host: hostname, port })
        setInterval(() => {}, 2 ** 30)`
      let next = 0
      const silent = { command: process.execPath, args: ['--input-type=module', '-e', program] }
      const command = (): typeof silent =>
        next++ === 0 ? silent : { command: node[0]!, args: node.slice(1) }
      const { pool, seen } = freshPool({ command, numWorkers: 3, relay: { socket, timeout: '5s' } })
      const error = await errorOf(pool.start())
      expect(error).toBeInstanceOf(HandshakeError)
      expect(error.message).toMatch('expected an answer within 5000 ms; got none')
      await pool.start()
      expect(await textOf(pool.exec('echo'))).toBe('echo')
      await pool.destroy()
      expectNothingLeft(pool, seen)
    },
  )

  it.each([
    [{ command: ['no-such-program', 'a'] }, /can't run the command 'no-such-program': .*ENOENT/],
    [
      { command: () => ({ command: process.execPath, cwd: '/no/such/folder' }) },
      /can't run the command '.*node' in \/no\/such\/folder/,
    ],
  ])('rejects at once when the command cannot be run: %j', async (options, said) => {
    const { pool, seen } = freshPool({ ...options, numWorkers: 3 })
    const error = await errorOf(pool.start())
    expect(error).toBeInstanceOf(SpawnError)
    expect(error.message).toMatch(said)
    await pool.destroy()
    expectNothingLeft(pool, seen)
  })

  it('leaves nothing running when one of several fails, rejects what waited, and can be called again', async () => {
    const [command, ...args] = node as [string, ...string[]]
    const [, ...bad] = odd('exits at once, loudly')
    let spawned = 0
    const { pool, seen } = freshPool({
      command: () => ({ command, args: ++spawned === 3 ? bad : args }),
      numWorkers: 3,
    })
    const waiting = errorOf(pool.exec('echo'))
    const error = await errorOf(pool.start())
    expect(error).toBeInstanceOf(HandshakeError)
    expect(await waiting).toBe(error)
    expect(pool.workers).toEqual([])
    expect(seen.created.count).toBe(0)
    await pool.start()
    expect(await textOf(pool.exec('echo'))).toBe('echo')
    await pool.destroy()
    expectNothingLeft(pool, seen)
  })

  it('lets tasks wait that came before it', async () => {
    const { pool, seen } = freshPool({ relay: { socket: 'unix' } })
    const early = textOf(pool.exec('early'))
    await Promise.all([pool.start(), pool.start()])
    expect(await early).toBe('early')
    expect(pool.workers).toHaveLength(1)
    expect(seen.created.count).toBe(1)
    await pool.destroy()
    expectNothingLeft(pool, seen)
  })

  it('rejects when the function that makes the command throws or returns nonsense', async () => {
    for (const [command, said] of [
      [() => ({}), /expected the function to return \{ command: string/],
      [() => Promise.reject(new Error('x')).catch(() => {}), /expected the function to return/],
      [
        () => {
          throw new Error('no config')
        },
        /^no config$/,
      ],
    ] as const) {
      const { pool, seen } = freshPool({ command: command as never })
      expect((await errorOf(pool.start())).message).toMatch(said)
      await pool.destroy()
      expectNothingLeft(pool, seen)
    }
  })
})

describe('the options', () => {
  test.each([
    [{ command: undefined }, /command: expected \['program', 'argument', …\]/],
    [{ command: [] }, /command: expected/],
    [{ command: 'node x.js' }, /command: expected .*; got "node x.js"/],
    [{ relay: 'pipe' }, /relay: expected 'pipes', \{ socket: 'unix' \} or \{ socket: 'tcp' \}; got "pipe"/],
    [{ relay: { socket: 'udp' } }, /relay: expected/],
    [{ protocol: 'goridge' }, /protocol: expected goridge2, goridge2-legacy, goridge3; got "goridge"/],
    [{ numWorkers: 0 }, /numWorkers: expected a whole number of 1 or more; got 0/],
    [{ numWorkers: 1.5 }, /numWorkers: expected a whole number/],
    [{ maxQueue: -1 }, /maxQueue: expected a whole number of 0 or more; got -1/],
    [{ minWorkers: 3, numWorkers: 2 }, /minWorkers: expected at most numWorkers, 2; got 3/],
    [{ allocateTimeout: 'long' }, /allocateTimeout/],
    [{ maxFrame: Number.NaN }, /maxFrame/],
    [{ maxmemory: 5 }, /unknown option 'maxmemory'; did you mean 'maxMemory'\?/],
  ])('%j are refused', (options, said) => {
    expect(() => freshPool(options as never)).toThrow(said)
  })
})

describe('destroy', () => {
  it('lets running tasks end, rejects those that wait, and is the same when called again', async () => {
    const { pool, seen } = freshPool({ numWorkers: 2 })
    await pool.start()
    const running = ['slow 100', 'slow 50'].map((task) => textOf(pool.exec(task)))
    const waiting = errorOf(pool.exec('echo'))
    const destroyed = Promise.all([pool.destroy(), pool.destroy()])
    expect(await waiting).toBeInstanceOf(PoolDestroyedError)
    expect(await errorOf(pool.exec('echo'))).toBeInstanceOf(PoolDestroyedError)
    expect(await errorOf(pool.start())).toBeInstanceOf(PoolDestroyedError)
    expect(await Promise.all(running)).toEqual(['slow 100', 'slow 50'])
    await destroyed
    expect(seen.destruct.values.map(({ reason }) => reason)).toEqual(Array(2).fill('the pool was destroyed'))
    expectNothingLeft(pool, seen)
  })

  it('kills a worker that does not stop within destroyTimeout, and its task fails', async () => {
    const { pool, seen } = freshPool({ destroyTimeout: '200ms', numWorkers: 1 })
    await pool.start()
    const running = errorOf(pool.exec('block 60000'))
    await pool.destroy()
    expect(await running).toBeInstanceOf(WorkerError)
    expect((await running).message).toMatch('was ended by SIGKILL in the middle of a task')
    expectNothingLeft(pool, seen)
  })

  it('kills a worker that ignores stop and SIGTERM', async () => {
    const { pool, seen } = freshPool({ command: odd('ignores stop'), destroyTimeout: '200ms' })
    await pool.start()
    const [worker] = pool.workers
    await pool.destroy()
    expect(await worker!.wait()).toMatchObject({ signal: 'SIGKILL', error: undefined })
    expectNothingLeft(pool, seen)
  })

  it('takes with it what a worker has started', async () => {
    const { pool, seen } = freshPool({ command: odd('has a child') })
    await pool.start()
    const child = Number(await textOf(pool.exec('pid')))
    expect(isAlive(child)).toBe(true)
    await pool.destroy()
    // It is nobody's child any more: whoever took it over reaps it.
    await expect.poll(() => isAlive(child)).toBe(false)
    expectNothingLeft(pool, seen)
  })

  it('ends a start that is under way', async () => {
    const { pool, seen } = freshPool({ command: odd('never answers'), numWorkers: 3 })
    const started = errorOf(pool.start())
    await pool.destroy()
    expect(await started).toBeInstanceOf(PoolDestroyedError)
    expectNothingLeft(pool, seen)
  })

  it('may be called by whoever hears of a worker that is up', async () => {
    const { pool, seen } = freshPool({ numWorkers: 2, idleTimeout: '10ms' })
    pool.on('created', () => void pool.destroy())
    expect(await errorOf(pool.start())).toBeInstanceOf(PoolDestroyedError)
    await pool.destroy()
    expect(await errorOf(pool.exec('echo'))).toBeInstanceOf(PoolDestroyedError)
    expectNothingLeft(pool, seen)
  })

  it('may be called by whoever hears of a replacement that fails, and then none comes', async () => {
    const [command, ...args] = node as [string, ...string[]]
    let spawned = 0
    const spec = () => ({ command, args: spawned++ === 0 ? args : ['-e', 'process.exit(4)'] })
    const { pool, seen } = freshPool({ command: spec })
    await pool.start()
    pool.on('error', (error) => void (error.message.includes('code 4') && pool.destroy()))
    await errorOf(pool.exec('exit 1'))
    await seen.error.times(2)
    await pool.destroy()
    expect(spawned).toBe(2)
    expectNothingLeft(pool, seen)
  })

  it('rejects a task whose worker asks to be replaced', async () => {
    const { pool, seen } = freshPool()
    await pool.start()
    const asked = errorOf(pool.exec('stop-later'))
    await pool.destroy()
    expect(await asked).toBeInstanceOf(PoolDestroyedError)
    expectNothingLeft(pool, seen)
  })

  it.each(['as it starts', 'as it replaces one'])(
    'may be called by the function that makes the command, %s, and no process is left',
    async (when) => {
      let spawned = 0
      const destroyAt = when === 'as it starts' ? 2 : 3
      const { pool, seen } = freshPool({
        numWorkers: 2,
        command: () => {
          if (++spawned === destroyAt) destroyed.push(pool.destroy())
          return { command: node[0]!, args: node.slice(1) }
        },
      })
      const destroyed: Promise<void>[] = []
      const started = pool.start()
      if (when === 'as it starts') {
        expect(await errorOf(started)).toBeInstanceOf(PoolDestroyedError)
      } else {
        await started
        pool.remove(pool.workers[0]!, 'to have it replaced')
        await eventually(() => expect(destroyed).toHaveLength(1))
      }
      await destroyed[0]
      expect(spawned).toBe(destroyAt)
      expectNothingLeft(pool, seen)
    },
  )

  it('of a pool that was never started takes nothing', async () => {
    const { pool } = freshPool()
    await pool.destroy()
    expect(await errorOf(pool.start())).toBeInstanceOf(PoolDestroyedError)
  })
})
