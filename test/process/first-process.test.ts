import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { describe, expect, it, onTestFinished } from 'vitest'
import { compiled } from '../support/compiled.ts'
import { eventually } from '../support/eventually.ts'

const NAMESPACE = ['--pid', '--fork', '--mount-proc']

/** Why no process can be process 1 of a namespace here; undefined if one can. */
function obstacle(): string | undefined {
  try {
    const pid = execFileSync('unshare', [...NAMESPACE, process.execPath, '-p', 'process.pid'], {
      stdio: 'pipe',
    })
    return pid.toString().trim() === '1' ? undefined : `process ${pid} was to be the first`
  } catch (error) {
    return (error as Error).message.trim()
  }
}

/** A program that really is process 1, as in a container without an init process. */
class FirstProcess {
  readonly #unshare: ChildProcess
  readonly lines: string[] = []
  readonly exitCode: Promise<number | null>

  constructor(...program: string[]) {
    this.#unshare = spawn('unshare', [...NAMESPACE, process.execPath, ...program], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.#unshare.stdout!, this.#unshare.stderr!]) {
      createInterface(stream).on('line', (line) => this.lines.push(line))
    }
    this.exitCode = new Promise((resolve) => this.#unshare.once('close', resolve))
  }

  /** The process id that it has outside of its namespace. */
  kill(signal: NodeJS.Signals): void {
    const { pid } = this.#unshare
    for (const child of readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')) {
      process.kill(Number(child), signal)
    }
  }

  end(): void {
    if (this.#unshare.exitCode === null) this.kill('SIGKILL')
  }
}

const missing = obstacle()
if (missing !== undefined)
  console.warn(`left out, since unshare cannot make a pid namespace here: ${missing}`)

function start(program: string): FirstProcess {
  const first = new FirstProcess(compiled(`test/process/programs/${program}.ts`))
  onTestFinished(() => first.end())
  return first
}

describe.skipIf(missing !== undefined)('as process 1,', () => {
  it('a group stops on SIGTERM', async () => {
    const first = start('idle')
    await eventually(() => expect(first.lines).toContain('b started'))
    first.kill('SIGTERM')
    expect(await first.exitCode).toBe(0)
    expect(first.lines).toEqual(expect.arrayContaining(['a cleaned up', 'shutdown requested by SIGTERM']))
  })

  it('a program whose runs have ended still exits on SIGTERM, which has no default action there', async () => {
    const first = start('after-run')
    await eventually(() => expect(first.lines).toContain('serving'))
    first.kill('SIGTERM')
    expect(await first.exitCode).toBe(143)
    expect(first.lines).toContain('2 handlers')
  })
})
