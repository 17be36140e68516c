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
  /** Of whoever made the pool. */
  readonly context: PoolContext
}

/** Starts what a pool is made of, and ends it. */
export class Lifecycle {
  readonly #props: LifecycleProps
  #context: PoolContext
  #phase: Phase = 'new'
  #workers: WorkerSet | undefined
  #relay: Relay | undefined
  #offExit: () => void = () => {}
  /** Why the last start failed, until the next. */
  #startFailure: Error | undefined
  #started: Promise<void> | undefined
  #destroyed: Promise<void> | undefined
  #leave: () => void = () => {}
  /** Resolves when the end begins. */
  readonly over = new Promise<void>((resolve) => (this.#leave = resolve))

  constructor(props: LifecycleProps) {
    this.#props = props
    this.#context = props.context
  }

  get isNew(): boolean {
    return this.#phase === 'new'
  }

  /** From when it starts. */
  get workers(): WorkerSet | undefined {
    return this.#workers
  }

  /** Why no task is taken, and no start: the pool is destroyed. */
  get end(): PoolDestroyedError | undefined {
    return this.#phase === 'ending' ? new PoolDestroyedError() : undefined
  }

  /** Why no task is taken. */
  get refusal(): Error | undefined {
    return this.end ?? this.#startFailure
  }

  /** What is logged from now on goes to the group that this is called in, which looks for signs of life. */
  runsHere(isIdle: () => boolean, describe: () => unknown): void {
    const record = currentContext()?.record
    this.#context.logger = currentLogger()
    this.#context.record = record
    if (record === undefined) return
    record.live = { isIdle }
    record.describe = describe
  }

  /** There is a task: if there was nothing to do before, its time counts from now on. */
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
    // A start that was under way fails now, and closes what it opened.
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
  'this process is the first of its container (pid 1): processes that its workers leave behind are reaped by nobody; start the container with an init, as docker run --init does'
