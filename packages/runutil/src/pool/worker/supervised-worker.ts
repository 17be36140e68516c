import type { Timer } from '../../core/clock.ts'
import { WorkerStateError } from '../errors.ts'
import type { Message, PayloadMessage } from '../relay/message.ts'
import { type Payload, STOP_REQUEST } from '../relay/payload.ts'
import type { Connection } from '../relay/relay.ts'
import { type RecycleLimits, recycleLimitsOf } from './recycle-limits.ts'
import { Conversation, type ConversationListener } from './conversation.ts'
import { encodeTask } from './encode-task.ts'
import { Ending } from './ending.ts'
import { InFlight } from './in-flight.ts'
import { PingState } from './ping-state.ts'
import { spin } from './spin.ts'
import { Startup } from './startup.ts'
import { StreamEnd } from './stream-end.ts'
import { type Exit, Subprocess } from './subprocess.ts'
import { Task, type TaskHolder } from './task.ts'
import type { WorkerExit } from './worker-end.ts'
import { WorkerProcess } from './worker-process.ts'
import type { WorkerProps } from './worker-props.ts'
import { StateOfWorker, type WorkerState } from './worker-state.ts'

/** How long a process may run without its relay, and a relay may stay open without its process. */
const LINGER_MS = 1_000

/** A worker as its set manages it: starting, performing tasks, answering pings and ending. */
export class SupervisedWorker extends WorkerProcess implements ConversationListener, TaskHolder {
  readonly recycleLimits: RecycleLimits
  readonly #props: WorkerProps<SupervisedWorker>
  readonly #process: Subprocess
  readonly #ended: Promise<WorkerExit>
  readonly #state: StateOfWorker
  readonly #pingState = new PingState()
  readonly #startup = new Startup()
  readonly #inFlight: InFlight
  readonly #ending = new Ending()
  readonly #streamEnd: StreamEnd
  #conversation: Conversation | undefined
  #stopAfterTask = false
  /** The current time limit: for running without a relay, for the last task, or for stopping. */
  #limit: Timer | undefined

  /** Spawns the process. */
  constructor(props: WorkerProps<SupervisedWorker>) {
    super()
    const { clock, listener } = props
    this.#props = props
    this.recycleLimits = recycleLimitsOf(props)
    this.#state = new StateOfWorker(clock, props.idleMs < Infinity, props.spin ? spin : undefined)
    this.#inFlight = new InFlight(clock)
    this.#streamEnd = new StreamEnd(clock)
    this.#process = new Subprocess({
      ...props,
      onLine: (stream, line) => listener.line(this, stream, line),
      onExit: () => this.#gone(),
    })
    this.#ended = this.#process.ended.then((exit) => this.#end(exit))
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  get state(): WorkerState {
    return this.#state.current
  }

  get numExecs(): number {
    return this.#inFlight.answered
  }

  /** How many unanswered tasks the worker has. */
  get inFlight(): number {
    return this.#inFlight.count
  }

  get updated(): Date {
    return this.#state.updated
  }

  /** Whether the worker is ready, and not suspected of being frozen. */
  get available(): boolean {
    return this.state === 'ready' && !this.#pingState.suspect
  }

  /** Whether the worker is idle, and has not answered a ping yet. */
  get suspect(): boolean {
    return this.state === 'ready' && this.#pingState.suspect
  }

  /** Whether the worker has ever answered a ping, so that a missing answer means that it is frozen. */
  get answersPings(): boolean {
    return this.#pingState.answers
  }

  /** Whether the worker was ever given a task. */
  get begun(): boolean {
    return this.#state.hasWorked
  }

  /** On the scale of `clock.elapsed()`; only where there is an `idleTimeout`. */
  get idleSince(): number {
    return this.#state.since
  }

  async exec(payload: Payload | Uint8Array | string): Promise<Payload> {
    if (this.state !== 'ready') throw new WorkerStateError(this.state)
    const encoded = encodeTask(this.#props, payload)
    const limits = { maxFrame: this.#props.maxFrame, execMs: undefined }
    return new Promise((resolve, reject) => {
      const task = new Task(limits, encoded, { resolve, reject })
      task.bound = true
      this.perform(task)
    })
  }

  stop(): Promise<WorkerExit> {
    if (this.state === 'inactive') return this.kill()
    if (this.state === 'ready') this.#sendStop()
    else {
      this.#stopAfterTask = true
      this.drain()
    }
    this.#props.listener.stopping(this)
    return this.#ended
  }

  kill(): Promise<WorkerExit> {
    if (this.#state.isUp) this.#state.moveTo('stopping')
    this.#process.kill()
    return this.#ended
  }

  wait(): Promise<WorkerExit> {
    return this.#ended
  }

  /** Resolves when the worker is ready. @throws HandshakeError, SpawnError when it has ended instead */
  start(): Promise<void> {
    return this.#startup.begin(this.#process.child, this.#props, {
      connected: (connection) => this.#connected(connection),
      failed: (error) => this.broken(error),
    })
  }

  /** Whether the worker may be sent this task now, in addition to those it has. */
  hasRoomFor({ exclusive }: Task): boolean {
    const { count, first } = this.#inFlight
    if (count > 0 && (exclusive || first!.exclusive)) return false
    return count < this.#props.pipelining && this.numExecs + count < this.recycleLimits.execs && !this.suspect
  }

  /** Sends the worker a task, even while it is working. */
  perform(task: Task): void {
    if (this.#inFlight.count === 0) this.#state.moveTo('working')
    task.holder = this
    this.#inFlight.add(task)
    this.#conversation!.sendTask(task.encoded)
  }

  /** Limits the worker to `destroyTimeout` for its remaining tasks; it gets no more. @param why it has to go */
  drain(why = ''): void {
    if (this.#limit !== undefined || !this.#state.isUp) return
    const { clock, destroyMs } = this.#props
    this.#limit = clock.setTimeout(() => {
      const reason = why === '' ? '' : `, since ${why}`
      this.#ending.killed = `it was still running ${destroyMs} ms (destroyTimeout) after its worker was asked to end${reason}`
      void this.kill()
    }, destroyMs)
  }

  /** Reports a running task as abandoned. For a task that was sent ahead, the answer is dropped when it arrives. */
  abandon(task: Task, why: string): void {
    if (task.begun) this.#props.listener.abandoned(this, why)
  }

  hold(held: boolean): void {
    if (held) this.#conversation?.pause()
    else this.#conversation?.resume()
  }

  /** Asks the worker to end its stream; one that understood ends it and sends nothing after it. False without streams. */
  endStream(): boolean {
    const { protocol, destroyMs } = this.#props
    if (protocol.streamStop === undefined || this.state !== 'working') return false
    this.#conversation!.sendControl(protocol.streamStop)
    this.#conversation!.resume()
    this.#streamEnd.await(destroyMs, () =>
      this.broken(new Error(`it didn't end its stream within ${destroyMs} ms (destroyTimeout)`)),
    )
    return true
  }

  /** Pings the worker if it is idle and supports pings. */
  ping(): void {
    const conversation = this.#conversation!
    if (this.state !== 'ready' || !conversation.extended) return
    this.#pingState.send(() => conversation.sendControl(this.#props.protocol.control('{"ping":true}')))
  }

  /** Kills the worker, which has not answered a ping in time. */
  giveUp(ms: number): void {
    this.broken(new Error(`it answered no ping for ${ms} ms`))
  }

  answered(message: Message): void {
    if (this.#streamEnd.awaited) this.#streamEnd.reached(() => this.#answered(message))
    else this.#answered(message)
  }

  part(message: PayloadMessage): void {
    this.#inFlight.first!.part(message)
  }

  control(message: { progress?: unknown }): void {
    if ('progress' in message) return this.#inFlight.first?.progress(message.progress)
    if (this.#pingState.answered() && this.state === 'ready') this.#props.listener.recovered(this)
  }

  /** Kills the worker because of an error, and ignores its further output. */
  broken(error: Error): void {
    this.#ending.failure ??= error
    this.#conversation?.ignoreInput()
    void this.kill()
  }

  /** The relay has closed. The process is usually ending; if it goes on, it is killed. */
  closed(): void {
    if (!this.#state.isUp) return
    this.#gone()
    const goneOn = (): void => this.broken(new Error('it closed its relay and went on'))
    this.#limit = this.#props.clock.setTimeout(goneOn, LINGER_MS)
  }

  #connected(connection: Connection): void {
    // The worker has just been killed.
    if (!this.#state.isUp) return void connection.input.resume()
    this.#state.moveTo('ready')
    this.#conversation = new Conversation(connection, this)
    // The worker sent unexpected bytes with its handshake.
    if (this.state !== 'ready') return
    if (this.#props.pingMs < Infinity) this.ping()
    this.#startup.succeed()
  }

  #answered(message: Message): void {
    // The worker has ended while the end of its stream was awaited.
    if (this.#inFlight.count === 0) return
    const task = this.#inFlight.take()
    this.#ending.answered(message)
    if (this.state === 'working' && this.#inFlight.count === 0) this.#state.moveTo('ready')
    if (this.#stopAfterTask && this.state === 'ready') this.#sendStop()
    this.#props.listener.answered(this, task, message)
  }

  #sendStop(): void {
    const { protocol, clock, destroyMs } = this.#props
    this.#state.moveTo('stopping')
    this.#limit?.clear()
    this.#limit = clock.setTimeout(() => this.#process.kill(), destroyMs)
    this.#conversation!.sendLast(protocol.control(STOP_REQUEST))
  }

  /** The worker is ending by itself: it gets no more tasks. */
  #gone(): void {
    this.#limit?.clear()
    if (this.#state.isUp) this.#state.moveTo('gone')
  }

  async #end(exit: Exit): Promise<WorkerExit> {
    this.#ending.seen = this.#startup.cancel()
    await this.#conversation?.drained(this.#props.clock, LINGER_MS)
    this.#limit?.clear()
    this.#streamEnd.clear()
    const during = this.#startup.pending ? 'handshake' : this.inFlight > 0 ? 'task' : 'idle'
    const wasStopped = this.state === 'stopping' && this.#ending.failure === undefined
    const end = this.#ending.of(this.#process, exit, during)
    const error = wasStopped ? undefined : end.failure
    const { listener } = this.#props
    this.#state.moveTo(wasStopped ? 'stopped' : 'errored')
    this.#startup.fail(end.failure)
    for (const task of this.#inFlight.end(end)) listener.returned(task)
    listener.ended(this, error)
    return { code: exit.code, signal: exit.signal, stderr: this.#process.stderr, error }
  }
}
