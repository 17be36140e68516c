import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { ContenderName } from './contenders.ts'

export type Options = Readonly<Record<string, unknown>>

/** Runs programs of a contender, each in a process of its own on one Node. */
export class Programs {
  readonly #node: string
  /** Such as 'v24.21.0'. */
  readonly version: string

  private constructor(node: string, version: string) {
    this.#node = node
    this.version = version
  }

  /** On the Node that runs this, or on the newest 24 that npm has. */
  static async on(node: 'this' | 'npm'): Promise<Programs> {
    if (node === 'this') return new Programs(process.execPath, process.version)
    // Asked once where it lies: npx itself takes half a second.
    const script = 'console.log(JSON.stringify([process.execPath, process.version]))'
    const { stdout } = await promisify(execFile)('npx', ['-y', '-p', 'node@24', 'node', '-e', script])
    return new Programs(...(JSON.parse(stdout) as [string, string]))
  }

  /** What it prints last is its result, as JSON. */
  async run<T>(name: string, contender: ContenderName, options: Options): Promise<T> {
    return (await this.start(name, contender, options).result) as T
  }

  /** Starts one that says when it is ready. */
  async startReady<T>(
    name: string,
    contender: ContenderName,
    options: Options,
  ): Promise<{ result: Promise<T> }> {
    const { result, child } = this.start(name, contender, options)
    await Promise.race([once(createInterface(child.stdout!), 'line'), result])
    return { result: result as Promise<T> }
  }

  start(
    name: string,
    contender: ContenderName,
    options: Options,
  ): { result: Promise<unknown>; child: ChildProcess } {
    const file = fileURLToPath(new URL(`programs/${name}.mjs`, import.meta.url))
    const args = ['--expose-gc', file, contender, JSON.stringify(options)]
    const env = { ...process.env, NO_LOG_SUCCESS: '1' }
    const child = spawn(this.#node, args, { stdio: ['ignore', 'pipe', 'inherit'], env })
    return { child, result: resultOf(child, `${name} of ${contender}`) }
  }
}

async function resultOf(child: ChildProcess, what: string): Promise<unknown> {
  let said = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (said += text))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  if (code !== 0) throw new Error(`${what} ended with ${code ?? signal}: ${said}`)
  return JSON.parse(said.trim().split('\n').at(-1)!)
}
