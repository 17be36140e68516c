import type { Timer } from '../../core/clock.ts'
import { type WorkerError, WorkerStateError } from '../errors.ts'
import { awaitArrival } from '../relay/arrival.ts'
import type { Message } from '../relay/message-reader.ts'
import { type Payload, STOP_REQUEST } from '../relay/payload.ts'
import type { Connection } from '../relay/relay.ts'
import { type Assignment, encodeTask, performedBy } from './assignment.ts'
import { Conversation } from './conversation.ts'
import { InFlight } from './in-flight.ts'
import { type Exit, Subprocess } from './subprocess.ts'
import { type WorkerExit, diagnose } from './worker-end.ts'
import type { WorkerProps } from './worker-props.ts'
import { StateOfWorker, type WorkerState } from './worker-state.ts'

/** How long a process may go on without its relay, and a relay without its process. */
const LINGER_MS = 1_000

/** A supervised process that answers one task at a time (seed 003). Made by a pool, which also replaces it. */
export class WorkerProcess {
  readonly #props: WorkerProps
  readonly #process: Subprocess
  readonly #ended: Promise<WorkerExit>
  readonly #state: StateOfWorker
  #conversation: Conversation | undefined
  readonly #inFlight: InFlight
  /** What it did wrong, when that was found out before it ended. */
  #failure: Error | undefined
  #stopAfterTask = false
  /** The one limit that runs at a time: on life without a relay, or on a stop. */
  #limit: Timer | undefined
  /** While its handshake is waited for. */
  #starting: { resolve(): void; reject(error: WorkerError): void; cancel(): void } | undefined

  /** Spawns the process. */
  constructor(props: WorkerProps) {
    const { spec, relay, clock, onLine } = props
    this.#props = props
    this.#state = new StateOfWorker(clock)
    this.#inFlight = new InFlight(clock)
    this.#process = new Subprocess({ spec, relay, clock, onLine, onExit: () => this.#gone() })
    this.#ended = this.#process.ended.then((exit) => this.#end(exit))
  }

  /** 0 when it could not be spawned. */
  get pid(): number {
    return this.#process.pid ?? 0
  }

  get state(): WorkerState {
    return this.#state.current
  }

  /** How many tasks it has answered, or failed. */
  get numExecs(): number {
    return this.#inFlight.answered
  }

  /** For the pool: how many tasks it was sent and hasn't answered. */
  get inFlight(): number {
    return this.#inFlight.count
  }

  /** Whether it was ever given a task. */
  get begun(): boolean {
    return this.#state.hasWorked
  }

  /** When its state last changed. */
  get updated(): Date {
    return this.#state.updated
  }

  /** As `updated`, for the pool: on the scale of `clock.elapsed()`. */
  get idleSince(): number {
    return this.#state.since
  }

  /**
   * Runs a task on this very worker, past the pool's queue.
   *
   * @throws JobError, WorkerError, WorkerStateError when it isn't ready, EmptyPayloadError, PayloadTooLargeError
   */
  async exec(payload: Payload | Uint8Array | string): Promise<Payload> {
    if (this.state !== 'ready') throw new WorkerStateError(this.state)
    const encoded = encodeTask(this.#props, payload)
    try {
      return await performedBy(this, encoded)
    } finally {
      if (this.state === 'ready') this.#props.onReleased()
    }
  }

  /** Ends it after its task; kills it `destroyTimeout` after it was told. Resolves when it has ended. */
  stop(): Promise<WorkerExit> {
    if (this.state === 'inactive') return this.kill()
    if (this.state === 'ready') this.#sendStop()
    else this.#stopAfterTask = true
    this.#props.onStopping()
    return this.#ended
  }

  /** SIGKILL, at once, to the process and its group. Resolves when it has ended. */
  kill(): Promise<WorkerExit> {
    if (this.#state.isUp) this.#state.moveTo('stopping')
    this.#process.kill()
    return this.#ended
  }

  /** Resolves when it has ended, however; never rejects. */
  wait(): Promise<WorkerExit> {
    return this.#ended
  }

  /** For the pool: resolves when it is ready. @throws HandshakeError, SpawnError when it has ended instead */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#starting = { resolve, reject, cancel: () => {} }
      // Then it ends without anybody's doing.
      if (this.pid === 0) return
      this.#starting.cancel = awaitArrival(this.#process.child!, this.#props, {
        connected: (connection) => this.#connected(connection),
        failed: (error) => this.#break(error),
      })
    })
  }

  /** For the pool: as exec, and it may be working. After the last, it is ready again before the assignment is told. */
  perform(assignment: Assignment): void {
    if (this.#inFlight.count === 0) this.#state.moveTo('working')
    this.#inFlight.add(assignment)
    this.#conversation!.ask(assignment.encoded)
  }

  #connected(connection: Connection): void {
    // It was killed a moment ago.
    if (!this.#state.isUp) return void connection.input.resume()
    this.#state.moveTo('ready')
    this.#conversation = new Conversation(connection, {
      answered: (message) => this.#answered(message),
      broken: (error) => this.#break(error),
      closed: () => this.#relayClosed(),
    })
    // It has said too much at once.
    if (this.state !== 'ready') return
    this.#starting!.resolve()
    this.#starting = undefined
  }

  #answered(message: Message): void {
    const assignment = this.#inFlight.take()
    if (this.state === 'working' && this.#inFlight.count === 0) this.#state.moveTo('ready')
    if (this.#stopAfterTask && this.state === 'ready') this.#sendStop()
    assignment.answered(message)
  }

  #sendStop(): void {
    const { protocol, clock, destroyMs } = this.#props
    this.#state.moveTo('stopping')
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
    if (!this.#state.isUp) return
    this.#gone()
    const goneOn = (): void => this.#break(new Error('it closed its relay and went on'))
    this.#limit = this.#props.clock.setTimeout(goneOn, LINGER_MS)
  }

  /** By itself: it is given no more tasks. */
  #gone(): void {
    this.#limit?.clear()
    if (this.#state.isUp) this.#state.moveTo('gone')
  }

  async #end(exit: Exit): Promise<WorkerExit> {
    this.#starting?.cancel()
    await this.#conversation?.drained(this.#props.clock, LINGER_MS)
    this.#limit?.clear()
    const during = this.#starting ? 'handshake' : this.inFlight > 0 ? 'task' : 'idle'
    const told = this.state === 'stopping' && this.#failure === undefined
    const { stderr } = this.#process
    const end = { pid: this.pid, exit, stderr, during, told, failure: this.#failure } as const
    const failed = diagnose(end)
    const error = told ? undefined : failed
    this.#state.moveTo(told ? 'stopped' : 'errored')
    this.#starting?.reject(failed)
    this.#inFlight.fail(failed)
    this.#props.onEnded(error)
    return { code: exit.code, signal: exit.signal, stderr, error }
  }
}
