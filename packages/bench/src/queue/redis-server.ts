import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Store } from './store.ts'

const PORT = 16_379

/** A Redis that answers when a command is on disk. Only where one is installed, and `ioredis` beside BullMQ. */
export class RedisServer {
  readonly #process: ChildProcess
  readonly #folder: string

  static async startIfFound(): Promise<RedisServer | undefined> {
    if (spawnSync('redis-server', ['--version']).status !== 0 || !hasClient()) return undefined
    const folder = await mkdtemp(join(tmpdir(), 'runutil-redis-'))
    const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', '']
    const args = ['--port', String(PORT), '--bind', '127.0.0.1', '--dir', folder, ...durable]
    const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] })
    for await (const line of createInterface(child.stdout)) if (line.includes('Ready to accept')) break
    child.stdout.resume()
    return new RedisServer(child, folder)
  }

  private constructor(child: ChildProcess, folder: string) {
    this.#process = child
    this.#folder = folder
  }

  emptied(): Store {
    spawnSync('redis-cli', ['-p', String(PORT), 'flushall'])
    const nothing = (): Promise<void> => Promise.resolve()
    return {
      url: `redis://127.0.0.1:${PORT}`,
      settle: nothing,
      holdTransaction: nothing,
      remove: nothing,
    }
  }

  async stop(): Promise<void> {
    const gone = once(this.#process, 'exit')
    this.#process.kill()
    await gone
    await rm(this.#folder, { recursive: true })
  }
}

function hasClient(): boolean {
  const require = createRequire(import.meta.url)
  try {
    createRequire(require.resolve('bullmq')).resolve('ioredis')
    return true
  } catch {
    return false
  }
}
