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
 *     new ─► starting ─► running ─► ending
 *      ▲        │  └──────────────────▲
 *      └────────┘
 *
 * A start that fails leads back to `new`. `ending` is final.
 */
type Phase = 'new' | 'starting' | 'running' | 'ending'

interface LifecycleProps {
  readonly settings: PoolSettings
  readonly events: Events<PoolEvents>
  readonly allocation: Allocation
  /** The context in which the pool was created. */
  readonly context: PoolContext
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
  #destroyed: Promise<void> | undefined
  #leave: () => void = () => {}
  /** Resolves when `destroy` begins. */
  readonly over = new Promise<void>((resolve) => (this.#leave = resolve))

  constructor(props: LifecycleProps) {
    this.#props = props
    this.#context = props.context
  }

  get isNew(): boolean {
    return this.#phase === 'new'
  }

  /** Undefined before the first start. */
  get workers(): WorkerSet | undefined {
    return this.#workers
  }

  /** The error for tasks and starts once the pool is destroyed. */
  get end(): PoolDestroyedError | undefined {
    return this.#phase === 'ending' ? new PoolDestroyedError() : undefined
  }

  /** The error for new tasks: the pool is destroyed, or its last start failed. */
  get refusal(): Error | undefined {
    return this.end ?? this.#startFailure
  }

  /** From now on, logs to the group that calls this, which watches the pool for activity. */
  runsHere(isIdle: () => boolean, describe: () => unknown): void {
    const record = currentContext()?.record
    this.#context.logger = currentLogger()
    this.#context.record = record
    if (record === undefined) return
    record.live = { isIdle }
    record.describe = describe
  }

  /** A task has arrived. If the pool was idle, the group's activity timeout starts now. */
  taskComes(): void {
    const { record } = this.#context
    if (record?.isWatched === true && record.mayBeSilent) record.signOfLife()
  }

  start(): Promise<void> {
    if (this.end !== undefined) return Promise.reject(this.end)
    return (this.#started ??= this.#start())
  }

  destroy(): Promise<void> {
    return (this.#destroyed ??= this.#destroy())
  }

  async #start(): Promise<void> {
    const { settings, events, allocation } = this.#props
    this.#phase = 'starting'
    this.#startFailure = undefined
    const { scope, record } = this.#context
    const context = (this.#context = new PoolContext(scope))
    context.record = record
    if (process.pid === 1) log(context.logger, 'warn', {}, AS_FIRST)
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

  async #destroy(): Promise<void> {
    this.#phase = 'ending'
    this.#leave()
    this.#props.allocation.close()
    await this.#workers?.end()
    // A start in progress fails now, and closes its relay.
    await this.#started?.catch(() => {})
    await this.#closeRelay()
  }

  async #closeRelay(): Promise<void> {
    await this.#relay?.close()
    this.#offExit()
  }
}

function relayFor(settings: PoolSettings, { clock }: PoolContext): Relay {
  const { socket, handshakeMs } = settings
  if (socket === undefined) return new PipesRelay(settings)
  return new SocketRelay({ ...settings, socket, clock, silenceMs: handshakeMs })
}

const AS_FIRST =
  'this process is pid 1 of its container, so orphaned child processes of its workers are not reaped; start the container with an init process, as docker run --init does'
