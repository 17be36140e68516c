import { currentContext, currentLogger } from '../core/context.ts'
import type { Events } from '../core/events.ts'
import { log } from '../core/log.ts'
import type { Allocation } from './allocation.ts'
import { PoolDestroyedError } from './errors.ts'
import type { PoolSettings } from './options.ts'
import { PoolContext } from './pool-context.ts'
import type { PoolEvents } from './pool-events.ts'
import { PipesRelay } from './relay/relay-pipes.ts'
import { SocketRelay } from './relay/relay-socket.ts'
import type { Relay } from './relay/relay.ts'
import { atExit } from './worker/at-exit.ts'
import { WorkerSet } from './worker-set.ts'

/**
 *     new ─► starting ─► running ─► ending ─► ended
 *      ▲        │  └──────────────────▲         │
 *      └────────┴───────────────────────────────┘
 *
 * A start that fails leads back to `new`, and so does the next run after a stop. After `destroy`, `ended` is final.
 */
type Phase = 'new' | 'starting' | 'running' | 'ending' | 'ended'

interface LifecycleProps {
  readonly settings: PoolSettings
  readonly events: Events<PoolEvents>
  readonly allocation: Allocation
  /** The context in which the pool was created. */
  readonly context: PoolContext
}

/** What the group that runs a pool may ask it. */
interface RunFacts {
  readonly isIdle: () => boolean
  readonly describe: () => unknown
  readonly reset: () => Promise<void>
}

/** Starts and ends the parts of a pool. */
export class Lifecycle {
  readonly #props: LifecycleProps
  #context: PoolContext
  #phase: Phase = 'new'
  #workers: WorkerSet | undefined
  #relay: Relay | undefined
  #offExit: () => void = () => {}
  /** Why the last start failed; cleared by the next start. */
  #startFailure: Error | undefined
  #started: Promise<void> | undefined
  #ended: Promise<void> | undefined
  #isDestroyed = false
  #over = new Notice()

  constructor(props: LifecycleProps) {
    this.#props = props
    this.#context = props.context
  }

  get isNew(): boolean {
    return this.#phase === 'new'
  }

  get isEnding(): boolean {
    return this.#phase === 'ending'
  }

  /** Undefined before the first start. */
  get workers(): WorkerSet | undefined {
    return this.#workers
  }

  /** The error for tasks and starts once the pool is destroyed or stopped. */
  get end(): PoolDestroyedError | undefined {
    const isOver = this.#phase === 'ending' || this.#phase === 'ended'
    return isOver ? new PoolDestroyedError(this.#isDestroyed) : undefined
  }

  /** Resolves when the pool begins to end. */
  get over(): Promise<void> {
    return this.#over.given
  }

  /** The error for new tasks: the pool is destroyed or stopped, or its last start failed. */
  get refusal(): Error | undefined {
    return this.end ?? this.#startFailure
  }

  /** From now on, logs to the group that calls this, which watches the pool for activity and may show and reset it. */
  runsHere({ isIdle, describe, reset }: RunFacts): void {
    const record = currentContext()?.record
    this.#context.logger = currentLogger()
    this.#context.record = record
    if (record === undefined) return
    record.live = { isIdle }
    record.describe = describe
    record.operations = { reset }
  }

  /** A task has arrived. If the pool was idle, the group's activity timeout starts now. */
  taskSubmitted(): void {
    const { record } = this.#context
    if (record?.isWatched === true && record.mayBeSilent) record.signOfLife()
  }

  start(): Promise<void> {
    if (this.end !== undefined) return Promise.reject(this.end)
    return (this.#started ??= this.#start())
  }

  /** Ends the pool until `reopen`. */
  stop(): Promise<void> {
    return (this.#ended ??= this.#end())
  }

  /** Ends the pool for good. */
  destroy(): Promise<void> {
    this.#isDestroyed = true
    return this.stop()
  }

  /** Lets a stopped pool be started again. @throws PoolDestroyedError */
  reopen(): void {
    if (this.#phase !== 'ended') return
    if (this.#isDestroyed) throw new PoolDestroyedError()
    this.#phase = 'new'
    this.#started = this.#ended = undefined
    this.#over = new Notice()
    this.#props.allocation.reopen()
  }

  async #start(): Promise<void> {
    const { settings, events, allocation } = this.#props
    this.#phase = 'starting'
    this.#startFailure = undefined
    const { scope, record } = this.#context
    const context = (this.#context = new PoolContext(scope))
    context.record = record
    if (process.pid === 1) log(context.logger, 'warn', {}, RUNS_AS_PID_1)
    const relay = (this.#relay = relayFor(settings, context))
    this.#workers = new WorkerSet({ settings, context, relay, events, tasks: allocation })
    allocation.start(this.#workers, context)
    try {
      await relay.open()
      this.#offExit = atExit(() => relay.remove())
      await this.#workers.start(settings.numWorkers)
      this.#phase = 'running'
    } catch (error) {
      await this.#closeRelay()
      this.#failed(error as Error)
      throw error
    }
  }

  #failed(error: Error): void {
    if (this.#phase !== 'starting') return
    this.#phase = 'new'
    this.#started = undefined
    this.#startFailure = error
    this.#props.allocation.rejectWaiting(error)
  }

  async #end(): Promise<void> {
    this.#phase = 'ending'
    this.#over.give()
    this.#props.allocation.close(this.end!)
    await this.#workers?.end(`the pool was ${this.#isDestroyed ? 'destroyed' : 'stopped'}`)
    // A start in progress fails now, and closes its relay.
    await this.#started?.catch(() => {})
    await this.#closeRelay()
    this.#phase = 'ended'
  }

  async #closeRelay(): Promise<void> {
    await this.#relay?.close()
    this.#offExit()
  }
}

/** A promise, and the function that resolves it. */
class Notice {
  give: () => void = () => {}
  readonly given = new Promise<void>((resolve) => (this.give = resolve))
}

function relayFor(settings: PoolSettings, { clock }: PoolContext): Relay {
  const { socket, handshakeMs } = settings
  if (socket === undefined) return new PipesRelay(settings)
  return new SocketRelay({ ...settings, socket, clock, silenceMs: handshakeMs })
}

const RUNS_AS_PID_1 =
  'this process is pid 1 of its container, so orphaned child processes of its workers are not reaped; start the container with an init process, as docker run --init does'
