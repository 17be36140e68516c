import { once } from 'node:events'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type Payload, type ProcessPool, TaskTimeoutError, WorkerError } from 'runutil/pool'
import { describe, expect, it } from 'vitest'
import { type Seen, errorOf, pidsOf, textOf, withPool } from '../support/pool/pools.ts'

const command = [process.execPath, fileURLToPath(new URL('programs/goridge3.mjs', import.meta.url))]

function withStreams(
  use: (pool: ProcessPool, seen: Seen) => Promise<void>,
  options: Partial<ConstructorParameters<typeof ProcessPool>[0]> = {},
): Promise<void> {
  return withPool({ command, protocol: 'goridge3', ...options }, use)
}

async function partsOf(stream: AsyncIterable<Payload>): Promise<string[]> {
  const parts: string[] = []
  for await (const { body } of stream) parts.push(Buffer.from(body!).toString())
  return parts
}

describe('an answer in parts', () => {
  it('is joined by exec, with the context of the first part', async () => {
    await withStreams(async (pool) => {
      const answers = await Promise.all(['parts', 'echo', 'parts'].map((task) => pool.exec(task)))
      expect(answers.map(({ body }) => Buffer.from(body!).toString())).toEqual(['1,2,3', 'echo', '1,2,3'])
      expect(Buffer.from(answers[0]!.context!).toString()).toBe('{"status":200}')
      expect(pool.workers[0]!.numExecs).toBe(3)
    })
  })

  it.each([1, 4])("is one caller's alone, with pipelining of %d", async (pipelining) => {
    await withStreams(
      async (pool) => {
        const tasks = Array.from({ length: 40 }, (_, at) => (at % 3 === 0 ? 'parts' : `task ${at}`))
        const answers = await Promise.all(tasks.map((task) => textOf(pool.exec(task))))
        expect(answers).toEqual(tasks.map((task) => (task === 'parts' ? '1,2,3' : task)))
      },
      { pipelining, numWorkers: 2 },
    )
  })

  it('is refused when its parts are more than maxFrame together, and the worker replaced', async () => {
    await withStreams(
      async (pool, { created }) => {
        const error = await errorOf(pool.exec('large'))
        expect(error).toBeInstanceOf(WorkerError)
        expect(error.message).toMatch(/broke the protocol .* at most 1000 bytes \(maxFrame\), not of 1200/)
        await created.times(2)
        expect(await textOf(pool.exec('echo'))).toBe('echo')
        expect(await partsOf(pool.stream('large'))).toHaveLength(11)
      },
      { maxFrame: 1000 },
    )
  })

  it('rejects when its worker fails, dies or wants to be replaced before its end', async () => {
    await withStreams(async (pool) => {
      expect(await errorOf(pool.exec('fails'))).toMatchObject({ name: 'JobError', message: 'bad part' })
      expect(await errorOf(pool.exec('dies'))).toMatchObject({ name: 'WorkerError', exitCode: 3 })
      expect((await errorOf(pool.exec('stops-late'))).message).toMatch(
        'to be replaced in the middle of its answer',
      )
      expect(await textOf(pool.exec('echo'))).toBe('echo')
    })
  })

  it('is kept up by a pong where its worker asks for one', async () => {
    await withStreams(async (pool) => {
      expect(await textOf(pool.exec('pings'))).toBe('ab')
      expect(await partsOf(pool.stream('pings'))).toEqual(['a', 'b'])
    })
  })
})

describe('stream', () => {
  it('gives the parts one by one, and each its context', async () => {
    await withStreams(async (pool) => {
      const parts: Payload[] = []
      for await (const part of pool.stream('parts')) parts.push(part)
      expect(parts.map(({ body }) => Buffer.from(body!).toString())).toEqual(['1,', '2,', '3'])
      expect(parts.map(({ context }) => context?.length)).toEqual([14, 14, undefined])
    })
  })

  it('gives the one answer where the protocol has no parts', async () => {
    await withPool({}, async (pool) => {
      expect(await partsOf(pool.stream('echo me'))).toEqual(['echo me'])
      await expect(partsOf(pool.stream('fail'))).rejects.toMatchObject({ name: 'JobError' })
    })
  })

  it('that is left has its worker end it, and go on with other tasks', async () => {
    await withStreams(async (pool, { created }) => {
      for await (const { body } of pool.stream('endless')) {
        expect(body).toHaveLength(32_768)
        break
      }
      expect(await textOf(pool.exec('echo'))).toBe('echo')
      expect(created.count).toBe(1)
    })
  })

  it('that is left while its next part is awaited ends at once, also as a stream of Node', async () => {
    await withStreams(async (pool, { created }) => {
      const parts = pool.stream('quiet')
      await parts.next()
      const next = parts.next()
      await parts.return()
      expect(await next).toEqual({ done: true, value: undefined })
      const stream = Readable.from(pool.stream('quiet'))
      await once(stream, 'data')
      const closed = once(stream, 'close')
      stream.destroy()
      await closed
      expect(await textOf(pool.exec('echo'))).toBe('echo')
      expect(created.count).toBe(1)
    })
  })

  it('that is left before a worker has it is given to none', async () => {
    await withStreams(async (pool, { created }) => {
      const first = pool.stream('quiet')
      await first.next()
      const second = pool.stream('dies')
      const next = second.next()
      await second.return()
      expect(await next).toEqual({ done: true, value: undefined })
      await first.return()
      expect(await textOf(pool.exec('echo'))).toBe('echo')
      expect(created.count).toBe(1)
    })
  })

  it('that is left by the reader of a worker that misunderstands this costs that worker, and no other task', async () => {
    await withStreams(async (pool, { created }) => {
      const [pid] = pidsOf(pool.workers)
      for await (const part of pool.stream('deaf')) if (part) break
      const others = ['one', 'two', 'three'].map((task) => textOf(pool.exec(task)))
      expect(await Promise.all(others)).toEqual(['one', 'two', 'three'])
      await created.times(2)
      expect(pidsOf(pool.workers)).not.toContain(pid)
    })
  })

  it('has the worker wait for a reader that is slower', async () => {
    await withStreams(async (pool) => {
      const stream = pool.stream('endless')
      await stream.next()
      // All that fits is full when nothing more is written: what is kept here, and what the system's buffers hold.
      let before = -1
      for (let now = 0; now !== before; now = process.memoryUsage().arrayBuffers) {
        before = now
        await new Promise((resolve) => setTimeout(resolve, 300))
      }
      await stream.return()
      const written = Number(await textOf(pool.exec('written')))
      expect(written).toBeLessThan(100)
    })
  })

  it('rejects with what exec would: the timeout, the abort, the end of its worker', async () => {
    await withStreams(async (pool) => {
      await expect(partsOf(pool.stream('endless', { timeout: '300ms' }))).rejects.toBeInstanceOf(
        TaskTimeoutError,
      )
      const stop = new AbortController()
      const aborted = errorOf(
        (async () => {
          for await (const part of pool.stream('endless', { signal: stop.signal }))
            if (part) stop.abort(new Error('no more'))
        })(),
      )
      expect((await aborted).message).toBe('no more')
      await expect(partsOf(pool.stream('dies'))).rejects.toMatchObject({ exitCode: 3 })
      await expect(partsOf(pool.stream(''))).rejects.toMatchObject({ name: 'EmptyPayloadError' })
    })
  })
})

describe('a worker that answers more often than it was asked', () => {
  it('is broken', async () => {
    await withStreams(async (pool, { error, created }) => {
      expect(await textOf(pool.exec('twice'))).toBe('one')
      await created.times(2)
      expect(error.values[0]!.error).toBeInstanceOf(WorkerError)
      expect(error.values[0]!.error.message).toMatch('expected nothing')
    })
  })

  it.each(['goridge2', 'goridge2-legacy', 'goridge3'] as const)(
    'is found out in %s while the next task is out, where it runs serve',
    async (protocol) => {
      await withPool({ protocol, pipelining: 2 }, async (pool) => {
        const both = [`answer-twice ${protocol}`, 'echo next'].map((task) => errorOf(pool.exec(task)))
        expect((await both[0]!).message).toMatch('expected the answer to the task that is due')
        expect(await both[1]).toBeInstanceOf(WorkerError)
        expect(await textOf(pool.exec('echo'))).toBe('echo')
      })
    },
  )
})
