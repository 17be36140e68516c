import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type ProcessPool, type ProcessPoolOptions, WorkerError } from 'runutil/pool'
import { describe, expect, it } from 'vitest'
import { Random } from '../chaos/random.ts'
import { errorOf, expectNothingLeft, freshPool, isAlive, node, textOf } from '../support/pool/pools.ts'

/** POOL_CHAOS_TASKS=10000 for long. */
const TASKS = Number(process.env['POOL_CHAOS_TASKS'] ?? 1_250)
const CALLERS = 32
const TASKS_A_KILL = 60
const TASKS_A_RESET = 600

/** Every so many tasks, the group of a worker is sent what a service manager sends to all. */
const TASKS_A_SIGNAL = 40

const streaming = [process.execPath, fileURLToPath(new URL('programs/goridge3.mjs', import.meta.url))]
const quoted = node.map((part) => `'${part}'`).join(' ')

interface Chaos extends Partial<ProcessPoolOptions> {
  /** Whether its workers answer in parts; those aren't of `serve`, and die of signals. */
  streams?: boolean
}

describe.each<Chaos>([
  {},
  { relay: { socket: 'unix' }, protocol: 'goridge3' },
  { pipelining: 4, maxExecutions: 200, command: ['sh', '-c', `exec ${quoted}`] },
  { pipelining: 4, protocol: 'goridge3', command: streaming, streams: true },
])('a pool of 4 workers with %j', ({ streams = false, ...options }) => {
  it('answers each task once while workers are killed and it is reset', async () => {
    const random = new Random(20_261_125)
    const before = descriptors()
    const { pool, seen } = freshPool({ ...options, numWorkers: 4 })
    await pool.start()
    const told = { answered: 0, broken: 0, kills: 0 }
    const resets: Promise<void>[] = []
    let next = 0

    const disturb = (task: number): void => {
      if (task % TASKS_A_RESET === 0) resets.push(pool.reset())
      if (task % TASKS_A_SIGNAL === 0 && !streams) signal(random, pool)
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
          if (streams && task % 5 === 0) await readStream(pool, task)
          else expect(await textOf(pool.exec(`echo ${task}`))).toBe(`echo ${task}`)
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
  })
})

/** To the whole group of one that is up. */
function signal(random: Random, pool: ProcessPool): void {
  if (pool.workers.length === 0) return
  const { pid } = random.pick(pool.workers)
  if (isAlive(pid)) process.kill(-pid, random.pick(['SIGINT', 'SIGTERM', 'SIGHUP'] as const))
}

/** Now and then one without an end, which is left. */
async function readStream(pool: ProcessPool, task: number): Promise<void> {
  const isEndless = task % 200 === 0
  const parts: string[] = []
  for await (const { body } of pool.stream(isEndless ? 'endless' : 'parts')) {
    parts.push(Buffer.from(body!).toString())
    if (isEndless) break
  }
  if (isEndless) expect(parts).toEqual(['x'.repeat(32_768)])
  else expect(parts).toEqual(['1,', '2,', '3'])
}

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
