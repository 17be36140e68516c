import { inspect } from 'node:util'
import type { Timer } from '../../core/clock.ts'
import { type WorkerError, WorkerStateError } from '../errors.ts'
import { awaitArrival } from '../relay/arrival.ts'
import type { Message } from '../relay/message-reader.ts'
import { type Payload, STOP_REQUEST } from '../relay/payload.ts'
import type { Connection } from '../relay/relay.ts'
import { type Allotment, allotmentOf } from './allotment.ts'
import { type Assignment, encodeTask, performedBy } from './assignment.ts'
import { Conversation } from './conversation.ts'
import { Ending } from './ending.ts'
import { InFlight } from './in-flight.ts'
import { Pulse } from './pulse.ts'
import { StreamEnd } from './stream-end.ts'
import { type Exit, Subprocess } from './subprocess.ts'
import type { WorkerExit } from './worker-end.ts'
import type { WorkerProps } from './worker-props.ts'
import { StateOfWorker, type WorkerState } from './worker-state.ts'

/** How long a process may go on without its relay, and a relay without its process. */
const LINGER_MS = 1_000

/** A supervised process that answers one task at a time (seed 003). Made by a pool, which also replaces it. */
export class WorkerProcess {
  /** For the pool. */
  readonly allotment: Allotment
  readonly #props: WorkerProps
  readonly #process: Subprocess
  readonly #ended: Promise<WorkerExit>
  readonly #state: StateOfWorker
  readonly #pulse = new Pulse()
  #conversation: Conversation | undefined
  readonly #inFlight: InFlight
  readonly #ending = new Ending()
  readonly #streamEnd: StreamEnd
  #stopAfterTask = false
  /** The one limit that runs at a time: on life without a relay, on its last task, on a stop. */
  #limit: Timer | undefined
  /** While its handshake is waited for. */
  #starting: { resolve(): void; reject(error: WorkerError): void; cancel(): string } | undefined

  /** Spawns the process. */
  constructor(props: WorkerProps) {
    const { spec, relay, clock, token, onLine } = props
    this.#props = props
    this.allotment = allotmentOf(props)
    this.#state = new StateOfWorker(clock, props.idleMs < Infinity)
    this.#inFlight = new InFlight(clock)
    this.#streamEnd = new StreamEnd(clock)
    this.#process = new Subprocess({ spec, relay, token, clock, onLine, onExit: () => this.#gone() })
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

  /** For the pool: whether the task that it has must be its only one. */
  get engaged(): boolean {
    return this.#inFlight.first?.exclusive ?? false
  }

  /** For the pool: whether it is ready, and not suspected of being frozen. */
  get available(): boolean {
    return this.state === 'ready' && !this.#pulse.suspect
  }

  /** For the pool: whether it has ever answered a ping, and so is one that may be judged by them. */
  get pinged(): boolean {
    return this.#pulse.answers
  }

  /** For the pool: whether it is idle, and owes the answer to a ping. */
  get suspect(): boolean {
    return this.state === 'ready' && this.#pulse.suspect
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

  /** What is worth showing of it. */
  toJSON(): { pid: number; state: WorkerState; numExecs: number } {
    return { pid: this.pid, state: this.state, numExecs: this.numExecs }
  }

  [inspect.custom](): string {
    return `WorkerProcess ${inspect(this.toJSON())}`
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
      return await performedBy(this, encoded, this.#props)
    } finally {
      if (this.state === 'ready') this.#props.onReleased()
    }
  }

  /** Ends it after its task; kills it `destroyTimeout` after it was told. Resolves when it has ended. */
  stop(): Promise<WorkerExit> {
    if (this.state === 'inactive') return this.kill()
    if (this.state === 'ready') this.#sendStop()
    else {
      this.#stopAfterTask = true
      this.drain()
    }
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
      this.#starting = { resolve, reject, cancel: () => '' }
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

  /** For the pool: it gets no more tasks, and has `destroyTimeout` for those that it has. */
  drain(): void {
    if (this.#limit !== undefined || !this.#state.isUp) return
    const { clock, destroyMs } = this.#props
    this.#limit = clock.setTimeout(() => {
      this.#ending.killed = `it was still running ${destroyMs} ms (destroyTimeout) after its worker was told to end`
      void this.kill()
    }, destroyMs)
  }

  /** For the pool: lets a stream wait that nobody keeps up with, or go on. */
  hold(held: boolean): void {
    if (held) this.#conversation?.pause()
    else this.#conversation?.resume()
  }

  /**
   * For the pool: has the worker end the stream that it is sending. Whether it understood shows in that it ends, and in
   * that nothing comes after; so it has a moment before it gets another task.
   *
   * @returns false where the protocol has no such thing
   */
  endStream(): boolean {
    const { protocol, destroyMs } = this.#props
    if (protocol.streamStop === undefined || this.state !== 'working') return false
    this.#conversation!.say(protocol.streamStop)
    this.#conversation!.resume()
    this.#streamEnd.await(destroyMs, () =>
      this.#break(new Error(`it didn't end its stream within ${destroyMs} ms (destroyTimeout)`)),
    )
    return true
  }

  /** For the pool: asks an idle worker whether it is there, if it is one that would answer. */
  ping(): void {
    const conversation = this.#conversation!
    if (this.state !== 'ready' || !conversation.extended) return
    this.#pulse.ask(() => conversation.say(this.#props.protocol.control('{"ping":true}')))
  }

  /** For the pool: it has not answered for too long. */
  giveUp(ms: number): void {
    this.#break(new Error(`it was idle and answered no ping for ${ms} ms`))
  }

  #connected(connection: Connection): void {
    // It was killed a moment ago.
    if (!this.#state.isUp) return void connection.input.resume()
    this.#state.moveTo('ready')
    this.#conversation = new Conversation(connection, {
      answered: (message) => {
        if (this.#streamEnd.awaited) this.#streamEnd.reached(() => this.#answered(message))
        else this.#answered(message)
      },
      part: (message) => this.#inFlight.first!.part(message),
      aside: (said) => this.#aside(said),
      broken: (error) => this.#break(error),
      closed: () => this.#relayClosed(),
    })
    // It has said too much at once.
    if (this.state !== 'ready') return
    if (this.#props.pingMs < Infinity) this.ping()
    this.#starting!.resolve()
    this.#starting = undefined
  }

  #aside(said: { progress?: unknown }): void {
    if ('progress' in said) return this.#inFlight.first?.progress(said.progress)
    if (this.#pulse.answered() && this.state === 'ready') this.#props.onReleased()
  }

  #answered(message: Message): void {
    // It has ended while the end of its stream was waited for.
    if (this.#inFlight.count === 0) return
    const assignment = this.#inFlight.take()
    this.#ending.answered(message)
    if (this.state === 'working' && this.#inFlight.count === 0) this.#state.moveTo('ready')
    if (this.#stopAfterTask && this.state === 'ready') this.#sendStop()
    assignment.answered(message)
  }

  #sendStop(): void {
    const { protocol, clock, destroyMs } = this.#props
    this.#state.moveTo('stopping')
    this.#limit?.clear()
    this.#limit = clock.setTimeout(() => this.#process.kill(), destroyMs)
    this.#conversation!.tell(protocol.control(STOP_REQUEST))
  }

  /** It can't be trusted any more. */
  #break(error: Error): void {
    this.#ending.failure ??= error
    this.#conversation?.deafen()
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
    this.#ending.seen = this.#starting?.cancel() ?? ''
    await this.#conversation?.drained(this.#props.clock, LINGER_MS)
    this.#limit?.clear()
    this.#streamEnd.clear()
    const during = this.#starting ? 'handshake' : this.inFlight > 0 ? 'task' : 'idle'
    const told = this.state === 'stopping' && this.#ending.failure === undefined
    const end = this.#ending.of(this.#process, exit, during)
    const error = told ? undefined : end.failure
    this.#state.moveTo(told ? 'stopped' : 'errored')
    this.#starting?.reject(end.failure)
    this.#inFlight.end(end)
    this.#props.onEnded(error)
    return { code: exit.code, signal: exit.signal, stderr: this.#process.stderr, error }
  }
}
