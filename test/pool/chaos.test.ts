import { readFileSync, readdirSync } from 'node:fs'
import { type ProcessPoolOptions, WorkerError } from 'runutil/pool'
import { describe, expect, it } from 'vitest'
import { Random } from '../chaos/random.ts'
import { errorOf, expectNothingLeft, freshPool, isAlive, textOf } from '../support/pool/pools.ts'

const TASKS = 10_000
const CALLERS = 32
const TASKS_A_KILL = 100
const TASKS_A_RESET = 1_000

describe.each<Partial<ProcessPoolOptions>>([
  {},
  { relay: { socket: 'unix' }, protocol: 'goridge3' },
  { pipelining: 4 },
])('a pool of 4 workers with %j', (options) => {
  it(
    'answers each of 10,000 tasks once while workers are killed and it is reset',
    { timeout: 120_000 },
    async () => {
      const random = new Random(20_261_125)
      const before = descriptors()
      const { pool, seen } = freshPool({ ...options, numWorkers: 4 })
      await pool.start()
      const told = { answered: 0, broken: 0, kills: 0 }
      const resets: Promise<void>[] = []
      let next = 0

      const disturb = (task: number): void => {
        if (task % TASKS_A_RESET === 0) resets.push(pool.reset())
        if (task % TASKS_A_KILL !== 0 || pool.workers.length === 0) return
        const worker = random.pick(pool.workers)
        told.kills++
        if (random.chance(0.5)) void worker.kill()
        else if (isAlive(worker.pid)) process.kill(worker.pid, 'SIGKILL')
      }
      const caller = async (): Promise<void> => {
        while (next < TASKS) {
          const task = ++next
          disturb(task)
          try {
            expect(await textOf(pool.exec(`echo ${task}`))).toBe(`echo ${task}`)
            told.answered++
          } catch (error) {
            expect(error).toBeInstanceOf(WorkerError)
            told.broken++
          }
        }
      }
      await Promise.all(Array.from({ length: CALLERS }, caller))
      // A reset whose new worker was killed as it came up fails, and the next one goes on.
      await Promise.allSettled(resets)
      await pool.destroy()

      expect(told.answered + told.broken).toBe(TASKS)
      expect(told.kills).toBeGreaterThan(TASKS / TASKS_A_KILL / 2)
      expect(told.broken).toBeLessThanOrEqual(told.kills * (options.pipelining ?? 1))
      expectNothingLeft(pool, seen)
      expect(seen.created.values.filter(({ pid }) => isAlive(pid))).toEqual([])
      expect(zombies()).toEqual([])
      expect(descriptors()).toBeLessThanOrEqual(before)
      expect((await errorOf(pool.exec('echo'))).name).toBe('PoolDestroyedError')
    },
  )
})

/** How many this process has open, where that can be told. */
function descriptors(): number {
  return process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0
}

/** Children of this process that have ended and that nobody has reaped. */
function zombies(): string[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(statusOf)
    .filter((status) => status.includes(`\nPPid:\t${process.pid}\n`) && status.includes('\nState:\tZ'))
}

function statusOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'latin1')
  } catch {
    return ''
  }
}
