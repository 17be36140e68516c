import type { Clock, Timer } from '../core/clock.ts'
import { Conversation } from './conversation.ts'
import { type WorkerError, WorkerStateError } from './errors.ts'
import type { Dialect } from './handshake.ts'
import type { Message } from './message-reader.ts'
import { type Payload, STOP_REQUEST } from './payload.ts'
import type { Connection, Relay } from './relay.ts'
import type { SpawnSpec } from './spawn.ts'
import { type Exit, Subprocess } from './subprocess.ts'
import { type Assignment, encodeTask, singleTask } from './assignment.ts'
import { diagnose } from './worker-diagnosis.ts'
import { type WorkerState, checkMove } from './worker-state.ts'

/** How a worker ended. */
export interface WorkerExit {
  /** Null when a signal ended it, or when it never began. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The last 64 KiB. */
  readonly stderr: string
  /** What was wrong; undefined when it ended because it was told to. */
  readonly error: WorkerError | undefined
}

export interface WorkerProps extends Dialect {
  readonly spec: SpawnSpec
  readonly relay: Relay
  readonly handshakeMs: number
  readonly destroyMs: number
  readonly clock: Clock
  readonly onLine: (worker: WorkerProcess, stream: 'stdout' | 'stderr', line: string) => void
  /** It has done a task that wasn't the pool's, and is ready again. */
  readonly onReleased: (worker: WorkerProcess) => void
  readonly onEnded: (worker: WorkerProcess, error: WorkerError | undefined) => void
}

/** How long a process may go on without its relay, and a relay without its process. */
const LINGER_MS = 1_000

/** A supervised process that answers one task at a time (seed 003). Made by a pool, which also replaces it. */
export class WorkerProcess {
  readonly #props: WorkerProps
  readonly #process: Subprocess
  readonly #ended: Promise<WorkerExit>
  #state: WorkerState = 'inactive'
  #updatedMs: number
  #numExecs = 0
  #conversation: Conversation | undefined
  #assignment: Assignment | undefined
  /** What it did wrong, when that was found out before it ended. */
  #failure: Error | undefined
  #stopAfterTask = false
  #begun = false
  /** The one limit that runs at a time: on the handshake, on life without a relay, on a stop. */
  #limit: Timer | undefined
  #starting: { resolve(): void; reject(error: WorkerError): void; cancel(): void } | undefined

  /** Spawns the process. */
  constructor(props: WorkerProps) {
    const { spec, relay, clock } = props
    this.#props = props
    this.#updatedMs = clock.now()
    const onLine = (stream: 'stdout' | 'stderr', line: string): void => props.onLine(this, stream, line)
    this.#process = new Subprocess({ spec, relay, clock, onLine })
    this.#ended = this.#process.ended.then((exit) => this.#end(exit))
  }

  /** 0 when it could not be spawned. */
  get pid(): number {
    return this.#process.pid ?? 0
  }

  get state(): WorkerState {
    return this.#state
  }

  /** How many tasks it has answered, failed ones too. */
  get numExecs(): number {
    return this.#numExecs
  }

  /** Whether it was ever given a task. */
  get begun(): boolean {
    return this.#begun
  }

  /** When its state last changed. */
  get updated(): Date {
    return new Date(this.#updatedMs)
  }

  /**
   * Runs a task on this very worker, past the pool's queue.
   *
   * @throws JobError, WorkerError, WorkerStateError when it isn't ready, EmptyPayloadError, PayloadTooLargeError
   */
  async exec(payload: Payload | Uint8Array | string): Promise<Payload> {
    if (this.#state !== 'ready') throw new WorkerStateError(this.#state)
    const encoded = encodeTask(this.#props, payload)
    try {
      return await new Promise((resolve, reject) => this.perform(singleTask(encoded, resolve, reject)))
    } finally {
      if (this.state === 'ready') this.#props.onReleased(this)
    }
  }

  /**
   * Ends it in order, after the task that it runs; kills it when it has not ended `destroyTimeout` after it was told.
   * Resolves when it has ended.
   */
  stop(): Promise<WorkerExit> {
    if (this.#state === 'inactive') return this.kill()
    if (this.#state === 'ready') this.#sendStop()
    else this.#stopAfterTask = true
    return this.#ended
  }

  /** SIGKILL, at once, to the process and its group. Resolves when it has ended. */
  kill(): Promise<WorkerExit> {
    if (this.#state === 'inactive' || this.#state === 'ready' || this.#state === 'working') {
      this.#move('stopping')
    }
    this.#process.kill()
    return this.#ended
  }

  /** Resolves when it has ended, however; never rejects. */
  wait(): Promise<WorkerExit> {
    return this.#ended
  }

  /**
   * For the pool: resolves when it is ready, and rejects when it has ended instead.
   *
   * @throws HandshakeError, SpawnError
   */
  start(): Promise<void> {
    const { relay, clock, handshakeMs } = this.#props
    const { child } = this.#process
    return new Promise((resolve, reject) => {
      this.#starting = { resolve, reject, cancel: () => {} }
      // Then it ends without anybody's doing.
      if (child?.pid === undefined) return
      let hint = ''
      this.#limit = clock.setTimeout(() => {
        this.#break(new Error(`expected an answer within ${handshakeMs} ms; got none${hint}`))
      }, handshakeMs)
      this.#starting.cancel = relay.connect(child, {
        connected: (connection) => this.#connected(connection),
        failed: (error) => this.#break(error),
        hint: (text) => (hint = ` (${text})`),
      })
    })
  }

  /** For the pool: as exec; it is ready again before the assignment is told. It must be ready. */
  perform(assignment: Assignment): void {
    this.#move('working')
    this.#assignment = assignment
    this.#begun = true
    this.#conversation!.ask(assignment.encoded)
  }

  #connected(connection: Connection): void {
    this.#limit?.clear()
    // Not when it was killed a moment ago.
    if (this.#state === 'inactive') this.#move('ready')
    this.#conversation = new Conversation(connection, {
      answered: (message) => this.#answered(message),
      broken: (error) => this.#break(error),
      closed: () => this.#relayClosed(),
    })
    if (this.state === 'ready') this.#starting!.resolve()
  }

  #answered(message: Message): void {
    const assignment = this.#assignment!
    this.#assignment = undefined
    this.#numExecs++
    if (this.#state === 'working') this.#move('ready')
    if (this.#stopAfterTask && this.#state === 'ready') this.#sendStop()
    assignment.answered(message)
  }

  #sendStop(): void {
    const { protocol, clock, destroyMs } = this.#props
    this.#move('stopping')
    this.#limit?.clear()
    this.#limit = clock.setTimeout(() => this.#process.kill(), destroyMs)
    this.#conversation!.tell(protocol.control(STOP_REQUEST))
  }

  /** It can't be trusted any more. */
  #break(error: Error): void {
    this.#failure ??= error
    void this.kill()
  }

  /** Mostly its end is on the way; otherwise nothing more can come of it. */
  #relayClosed(): void {
    if (this.#state !== 'ready' && this.#state !== 'working') return
    const gone = (): void => this.#break(new Error('it closed its relay and went on'))
    this.#limit = this.#props.clock.setTimeout(gone, LINGER_MS)
  }

  async #end(exit: Exit): Promise<WorkerExit> {
    this.#starting?.cancel()
    await this.#conversation?.drained(this.#props.clock, LINGER_MS)
    this.#limit?.clear()
    const { code, signal } = exit
    const stderr = this.#process.stderr
    const told = this.#state === 'stopping' && this.#failure === undefined
    const during = this.#conversation === undefined ? 'handshake' : this.#assignment ? 'task' : 'idle'
    const facts = { ...exit, pid: this.pid, stderr, cause: this.#failure }
    const broken = told && during === 'idle' ? undefined : diagnose(facts, during)
    const error = told ? undefined : broken
    this.#move(told ? 'stopped' : 'errored')
    if (during === 'handshake') this.#starting?.reject(broken!)
    this.#assignment?.failed(broken!)
    this.#props.onEnded(this, error)
    return { code, signal, stderr, error }
  }

  #move(to: WorkerState): void {
    checkMove(this.#state, to)
    this.#state = to
    this.#updatedMs = this.#props.clock.now()
  }
}
