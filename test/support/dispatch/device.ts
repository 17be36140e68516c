import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Probe } from 'runutil/testing'

const program = fileURLToPath(new URL('../../dispatch/programs/device.mjs', import.meta.url))

/** A process with live workers. */
export class Device {
  readonly process: ChildProcess
  readonly #lines: string[] = []
  readonly #watchers = new Set<() => void>()

  constructor(url: string, host: string, targets: readonly string[], lease = '2s') {
    this.process = spawn(process.execPath, [program, url, host, ...targets], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, LEASE: lease },
    })
    createInterface(this.process.stdout!).on('line', (line) => {
      this.#lines.push(line)
      for (const watch of this.#watchers) watch()
    })
  }

  get lines(): readonly string[] {
    return this.#lines
  }

  async printed(text: string, times = 1): Promise<void> {
    const seen = new Probe(`'${text}'`, '20s')
    const watch = (): void => {
      if (this.#lines.filter((line) => line.includes(text)).length >= times) seen.hit()
    }
    this.#watchers.add(watch)
    watch()
    await seen.times(1)
    this.#watchers.delete(watch)
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return
    const exit = once(this.process, 'exit')
    this.process.kill('SIGCONT')
    this.process.kill(signal)
    await exit
  }
}
