import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ProcessPool, type ProcessPoolOptions, type WorkerProcess } from 'runutil/pool'
import { Probe } from 'runutil/testing'
import { expect } from 'vitest'
import { Context, currentContext, newScope, withContext } from '../../../packages/runutil/src/core/context.ts'
import { capturedLogger } from '../logs.ts'

const program = (name: string): string =>
  fileURLToPath(new URL(`../../pool/programs/${name}`, import.meta.url))

/** A worker made with `serve` that does what its tasks say. */
export const node: string[] = [process.execPath, program('node.mjs')]
export const python: string[] = ['python3', program('worker.py')]
export const php: string[] = ['php', program('worker.php')]

/** A worker that goes wrong in its own way. */
export function odd(way: string): string[] {
  return [process.execPath, program('odd.mjs'), way]
}

export interface Seen {
  readonly created: Probe<WorkerProcess>
  /** With the pids: two WorkerProcesses are equal to each other for `toEqual`. */
  readonly destruct: Probe<{ pid: number; reason: string }>
  readonly error: Probe<{ error: Error; pid: number | undefined }>
}

/** A pool, not started, of one worker in Node unless told otherwise, and what it tells of. */
export function freshPool(options: Partial<ProcessPoolOptions> = {}): { pool: ProcessPool; seen: Seen } {
  const pool = new ProcessPool({ command: node, numWorkers: 1, ...options })
  // Outside of a group it would log what fails here, and much does, to the tests' own output.
  const quiet = new Context(newScope(capturedLogger()), '')
  const start = pool.start.bind(pool)
  pool.start = () => (currentContext() === undefined ? withContext(quiet, start) : start())
  const seen: Seen = {
    created: new Probe('created', '10s'),
    destruct: new Probe('destruct', '10s'),
    error: new Probe('error', '10s'),
  }
  pool.on('created', (worker) => seen.created.hit(worker))
  pool.on('destruct', (worker, reason) => seen.destruct.hit({ pid: worker.pid, reason }))
  pool.on('error', (error, worker) => seen.error.hit({ error, pid: worker?.pid }))
  return { pool, seen }
}

/** Uses a pool that is up, destroys it, and looks whether anything is left of it. */
export async function withPool(
  options: Partial<ProcessPoolOptions>,
  use: (pool: ProcessPool, seen: Seen) => Promise<void>,
): Promise<void> {
  const { pool, seen } = freshPool(options)
  try {
    await pool.start()
    await use(pool, seen)
  } finally {
    await pool.destroy()
  }
  expectNothingLeft(pool, seen)
}

/** Each worker that was created has gone, with one `destruct`, and no process of the pool is there. */
export function expectNothingLeft(pool: ProcessPool, { created, destruct, error }: Seen): void {
  const gone = destruct.values.map(({ pid }) => pid)
  expect(new Set(gone).size).toBe(gone.length)
  expect(new Set(gone)).toEqual(new Set(pidsOf(created.values)))
  const pids = [...pidsOf(created.values), ...error.values.map(({ pid }) => pid ?? 0)]
  expect(pids.filter(isAlive)).toEqual([])
  expect(pool.workers).toEqual([])
}

export function pidsOf(workers: readonly WorkerProcess[]): number[] {
  return workers.map(({ pid }) => pid)
}

export function isAlive(pid: number): boolean {
  if (pid === 0) return false
  try {
    return process.kill(pid, 0) && !isZombie(pid)
  } catch {
    return false
  }
}

/** It has ended, but whoever it was left to hasn't noticed: in a container, perhaps nobody does. */
function isZombie(pid: number | string): boolean {
  if (process.platform !== 'linux') return false
  return readFileSync(`/proc/${pid}/status`, 'latin1').includes('\nState:\tZ')
}

export async function textOf(answer: Promise<{ body?: Uint8Array | undefined }>): Promise<string> {
  const { body = '' } = await answer
  return Buffer.from(body as Uint8Array).toString()
}

/** What it rejects with. */
export async function errorOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    (value) => Promise.reject(new Error(`expected a rejection; resolved with ${String(value)}`)),
    (error: unknown) => error as Error,
  )
}
