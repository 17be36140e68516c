import { fileURLToPath } from 'node:url'
import { ProcessPool } from 'runutil/pool'
import { describe, expect, it } from 'vitest'
import { Spin } from '../../packages/runutil/src/pool/worker/spin.ts'
import { eventually } from '../support/eventually.ts'
import { errorOf, node, odd, textOf, withPool } from '../support/pool/pools.ts'

/** An event loop whose turns take 8 µs each. */
function loop(processors = 2): {
  spin: Spin
  turn: () => void
  /** How many turns it does until it may sleep. */
  turns: () => number
} {
  let nowMs = 0
  let next: (() => void) | undefined
  const spin = new Spin({ now: () => nowMs, processors, nextTurn: (callback) => (next = callback) })
  const turn = (): void => {
    const callback = next!
    next = undefined
    nowMs += 0.008
    callback()
  }
  const turns = (): number => {
    let count = 0
    for (; next !== undefined; count++) turn()
    return count
  }
  return { spin, turn, turns }
}

describe('spinning', () => {
  it('ends with the answer', () => {
    const { spin, turn, turns } = loop()
    spin.began()
    turn()
    turn()
    spin.ended(true)
    expect(turns()).toBe(1)
  })

  it('ends 70 µs after a task was sent', () => {
    const { spin, turns } = loop()
    spin.began()
    expect(turns()).toBe(9)
  })

  it('goes on with the next task, from its own start', () => {
    const { spin, turn, turns } = loop()
    spin.began()
    for (let task = 0; task < 5; task++) {
      for (let at = 0; at < 5; at++) turn()
      spin.ended(true)
      spin.began()
    }
    expect(turns()).toBe(9)
  })

  it('ends with a worker that dies', () => {
    const { spin, turn, turns } = loop()
    spin.began()
    turn()
    spin.ended(false)
    expect(turns()).toBe(1)
  })

  it('costs long tasks the turns of one in 64, and comes back with the first short one', () => {
    const { spin, turn, turns } = loop()
    const long = (): number => {
      spin.began()
      const count = turns()
      spin.ended(true)
      return count
    }
    const first = Array.from({ length: 200 }, long)
    expect(first).toEqual(Array.from({ length: 200 }, (_, at) => (at < 8 || (at - 7) % 64 === 0 ? 9 : 0)))
    const later = Array.from({ length: 6_400 }, long).reduce((sum, count) => sum + count, 0)
    expect(later).toBe(9 * 100)
    let short = 0
    for (; turns() === 0 && short < 64; short++) {
      spin.began()
      spin.ended(true)
    }
    expect(short).toBeLessThanOrEqual(64)
    spin.began()
    turn()
    spin.ended(true)
    expect([long(), long(), long()]).toEqual([9, 9, 0])
  })

  it('leaves the processors to workers that need all of them', () => {
    const { spin, turns } = loop(2)
    spin.began()
    spin.began()
    expect(turns()).toBe(1)
    spin.ended(true)
    spin.began()
    expect(turns()).toBe(0)
    spin.ended(true)
    spin.ended(true)
    spin.began()
    expect(turns()).toBe(9)
  })

  it('is never done on one processor', () => {
    const { spin, turns } = loop(1)
    spin.began()
    expect(turns()).toBe(0)
  })
})

/** Whether the event loop is kept awake. */
function isAwake(): boolean {
  return process.getActiveResourcesInfo().includes('Immediate')
}

describe('a pool that spins', () => {
  it.each([
    ['by default', {}],
    ['with tasks sent ahead', { pipelining: 4 }],
    ['over a socket', { relay: { socket: 'unix' } as const }],
    ['with goridge 3', { protocol: 'goridge3' as const }],
  ])('answers every task as it should, %s', async (_, options) => {
    await withPool({ numWorkers: 2, spin: true, ...options }, async (pool) => {
      for (let at = 0; at < 300; at++) expect(await textOf(pool.exec(`one ${at}`))).toBe(`one ${at}`)
      const tasks = Array.from({ length: 300 }, (_, at) => `task ${at} `.padEnd(at % 30 === 0 ? 700_000 : 20))
      expect(await Promise.all(tasks.map((task) => textOf(pool.exec(task))))).toEqual(tasks)
      expect(await textOf(pool.exec('slow 20'))).toBe('slow 20')
      expect((await errorOf(pool.exec('fail'))).message).toBe('bad task')
    })
  })

  it('lets timers run between tasks in sequence', async () => {
    await withPool({ spin: true }, async (pool) => {
      let ticked = false
      setTimeout(() => (ticked = true), 20)
      // For ever, if the loop didn't turn.
      while (!ticked) await pool.exec('echo')
    })
  })

  it('sleeps while a slow task runs, and when it has ended', async () => {
    await withPool({ spin: true }, async (pool) => {
      const running = pool.exec('slow 500')
      let done = false
      void running.then(() => (done = true))
      await eventually(() => expect(isAwake()).toBe(false))
      expect(done).toBe(false)
      await running
      await eventually(() => expect(isAwake()).toBe(false))
    })
  })

  it('sleeps after a task was aborted or has timed out, or its worker died or broke the protocol', async () => {
    await withPool({ spin: true, numWorkers: 2 }, async (pool) => {
      const stop = new AbortController()
      const aborted = errorOf(pool.exec('slow 60000', { signal: stop.signal }))
      stop.abort(new Error('enough'))
      expect((await aborted).message).toBe('enough')
      expect((await errorOf(pool.exec('slow 60000', { timeout: 1 }))).name).toBe('TaskTimeoutError')
      expect((await errorOf(pool.exec('exit 4'))).message).toMatch('exited with code 4')
      await eventually(() => expect(isAwake()).toBe(false))
      expect(await textOf(pool.exec('again'))).toBe('again')
    })
    await withPool({ spin: true, command: odd('answers a broken prefix') }, async (pool) => {
      expect((await errorOf(pool.exec('x'))).message).toMatch('broke the protocol')
    })
    await withPool({ spin: true, command: odd('answers half and exits') }, async (pool) => {
      expect((await errorOf(pool.exec('x'))).message).toMatch('in the middle of a task')
    })
    await eventually(() => expect(isAwake()).toBe(false))
  })

  it('gives the parts of streams, and ends one that is left', async () => {
    const command = [process.execPath, fileURLToPath(new URL('programs/goridge3.mjs', import.meta.url))]
    await withPool({ spin: true, command, protocol: 'goridge3' }, async (pool, { created }) => {
      const parts: string[] = []
      for await (const { body } of pool.stream('parts')) parts.push(Buffer.from(body!).toString())
      expect(parts).toEqual(['1,', '2,', '3'])
      for await (const { body } of pool.stream('endless')) if (body !== undefined) break
      expect(await textOf(pool.exec('echo'))).toBe('echo')
      expect(created.count).toBe(1)
      await eventually(() => expect(isAwake()).toBe(false))
    })
  })

  it('has to be told so by true or false', () => {
    expect(() => new ProcessPool({ command: node, spin: 1 as never })).toThrow(
      /spin: expected true or false; got 1/,
    )
  })
})
