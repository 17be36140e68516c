import type { ChildProcess } from 'node:child_process'
import type { Clock, Timer } from '../../core/clock.ts'
import { SpawnError } from '../errors.ts'
import type { OutputSocket } from '../relay/output-socket.ts'
import { type Stdio } from '../relay/relay.ts'
import { atExit } from './at-exit.ts'
import { LineLimit } from './line-limit.ts'
import { type SpawnSpec, killGroup, spawnChild } from './spawn.ts'
import { OutputTail } from './output-tail.ts'

/** How a process ended. */
export interface Exit {
  /** Null when a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Set when the process could not be spawned. */
  readonly spawnError: SpawnError | undefined
}

interface SubprocessProps {
  readonly spec: SpawnSpec
  readonly relay: { readonly address: string; readonly stdio: Stdio }
  /** Takes the place of the stdout pipe. */
  readonly output: OutputSocket | undefined
  readonly token: string
  readonly clock: Clock
  /** The process has ended; some of its output may still be unread. */
  readonly onExit: () => void
  readonly onLine: (stream: 'stdout' | 'stderr', line: string) => void
}

/** How long to wait for the pipes: a process that left the group may keep them open. */
const CLOSE_MS = 1_000

/** One process and its process group, from its start until all of its output has been read. */
export class Subprocess {
  readonly child: ChildProcess | undefined
  readonly ended: Promise<Exit>
  readonly #props: SubprocessProps
  readonly #lines: LineLimit<'stdout' | 'stderr'>
  #stderr: OutputTail | undefined
  #stdout: OutputTail | undefined
  #exited = false

  constructor(props: SubprocessProps) {
    this.#props = props
    const { spec, relay, token, output } = props
    this.#lines = new LineLimit(props.clock, props.onLine)
    try {
      this.child = spawnChild(spec, relay.address, token, relay.stdio, output)
    } catch (error) {
      output?.close()
      this.ended = Promise.resolve(this.#neverBegan(error))
      return
    }
    output?.handedOver()
    const { stdin, stdout, stderr } = this.child
    // Pipe errors show in how the process ends.
    stdin?.on('error', () => {})
    stdout?.on('error', () => {})
    // If no file descriptors are left, there are no pipes.
    if (stderr) this.#stderr = new OutputTail(stderr, (line) => this.#lines.take('stderr', line))
    if (stdout && relay.stdio === 'free') {
      this.#stdout = new OutputTail(stdout, (line) => this.#lines.take('stdout', line))
    }
    this.ended = this.#watch(this.child)
  }

  get pid(): number | undefined {
    return this.child?.pid
  }

  get stdio(): Stdio {
    return this.#props.relay.stdio
  }

  /** The last 64 KiB of stderr. */
  get stderr(): string {
    return this.#stderr?.text ?? ''
  }

  /** The last 64 KiB of stdout; empty where stdout is the relay. */
  get stdout(): string {
    return this.#stdout?.text ?? ''
  }

  /** Sends SIGKILL to the process group. */
  kill(): void {
    if (!this.#exited && this.pid !== undefined) killGroup(this.pid)
  }

  #watch(child: ChildProcess): Promise<Exit> {
    const { pid } = child
    const takeBack = pid === undefined ? undefined : atExit(() => killGroup(pid))
    return new Promise((resolve) => {
      const { output } = this.#props
      let exit: Exit | undefined
      let late: Timer | undefined
      let open = output === undefined ? 1 : 2
      const end = (): void => {
        late?.clear()
        this.#lines.close('stderr')
        output?.close()
        for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy()
        resolve(exit!)
      }
      child.on('error', (error) => {
        if (child.pid !== undefined) return
        exit = this.#neverBegan(error)
        end()
      })
      child.on('exit', (code, signal) => {
        if (child.pid === undefined) return
        this.#exited = true
        exit = { code, signal, spawnError: undefined }
        killGroup(child.pid)
        takeBack?.()
        this.#props.onExit()
        // As Node does with the pipes: nobody else may be reading.
        output?.input.resume()
        late = this.#props.clock.setTimeout(end, CLOSE_MS)
      })
      const closed = (): void => {
        open--
        // All output has been read.
        if (open === 0 && exit !== undefined) end()
      }
      child.on('close', closed)
      output?.input.on('close', closed)
    })
  }

  #neverBegan(error: unknown): Exit {
    const { command, cwd } = this.#props.spec
    return { code: null, signal: null, spawnError: new SpawnError(command, cwd, error) }
  }
}
