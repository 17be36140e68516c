import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { machineMs } from './machine-clock.ts'

/** How long a worker may take that was told to stop. */
const STOPS_WITHIN_MS = 10_000

/** In ms of the wall clock. */
export interface Span {
  readonly from: number
  to: number
}

export interface WorkerProcessProps {
  readonly name: string
  /** The bundled worker-main. */
  readonly program: string
  readonly url: string
  readonly folder: string
  /** Called with each change of its state. */
  readonly onChange: () => void
}

/** starting ─► listening ─► running ⇄ frozen.  Each but the last may go on to ending ─► gone. */
type State = 'starting' | 'listening' | 'running' | 'frozen' | 'ending' | 'gone'

/** One process that works off jobs, and what was done to it. */
export class WorkerProcess {
  readonly name: string
  readonly exit: Promise<void>
  readonly frozen: Span[] = []
  readonly #process: ChildProcess
  readonly #onChange: () => void
  state: State = 'starting'
  /** On the machine's clock, at most a moment late. */
  diedAt = Infinity
  diedWall = Infinity
  /** From when on it was sure to die. */
  killedWall = Infinity
  /** When it was told to stop, or killed. */
  toldWall = Infinity
  /** Why its end isn't what was asked of it. */
  complaint: string | undefined

  constructor({ name, program, url, folder, onChange }: WorkerProcessProps) {
    this.name = name
    this.#onChange = onChange
    const errors = openSync(join(folder, `${name}.log`), 'a')
    const address = `${url}?application_name=${name}`
    this.#process = spawn(process.execPath, ['--enable-source-maps', program, name, address, folder], {
      // It ends when its standard input does, and that is when this process ends.
      stdio: ['pipe', 'pipe', errors],
    })
    closeSync(errors)
    createInterface(this.#process.stdout!).on('line', (line) => {
      const isNext = line === 'listening' ? this.state === 'starting' : this.state === 'listening'
      if (isNext) this.#become(line as State)
    })
    this.exit = new Promise((resolve) =>
      this.#process.once('exit', (code, signal) => resolve(this.#exited(code, signal))),
    )
  }

  get pid(): number {
    return this.#process.pid!
  }

  async kill(): Promise<void> {
    this.#become('ending')
    this.killedWall = this.toldWall = Date.now()
    this.#process.kill('SIGKILL')
    await this.exit
  }

  /** Tells it to stop. Resolves when it is gone, with or without a complaint. */
  async stop(): Promise<void> {
    this.#become('ending')
    this.toldWall = Date.now()
    this.#process.kill('SIGTERM')
    const late = setTimeout(() => {
      this.complaint = `didn't stop within ${STOPS_WITHIN_MS} ms`
      this.killedWall = Date.now()
      this.#process.kill('SIGKILL')
    }, STOPS_WITHIN_MS)
    await this.exit
    clearTimeout(late)
    const { exitCode, signalCode } = this.#process
    if (exitCode !== 0) this.complaint ??= `told to stop, it exited with ${exitCode ?? signalCode}`
  }

  freeze(): void {
    this.frozen.push({ from: Date.now(), to: Infinity })
    this.#become('frozen')
    this.#process.kill('SIGSTOP')
  }

  thaw(): void {
    this.#process.kill('SIGCONT')
    this.frozen.at(-1)!.to = Date.now()
    // A job of its own may have killed it just when it was frozen.
    if (this.state === 'frozen') this.#become('running')
  }

  /** At the end of the parent, whatever the state. */
  abandon(): void {
    if (this.state !== 'gone') this.#process.kill('SIGKILL')
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    this.diedAt = machineMs()
    this.diedWall = Date.now()
    if (this.state !== 'ending') this.complaint = `ended by itself with ${code ?? signal}`
    this.#become('gone')
  }

  #become(state: State): void {
    this.state = state
    this.#onChange()
  }
}
