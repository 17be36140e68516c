import { hostname } from 'node:os'
import { onAbort, offAbort } from '../../core/abort.ts'
import { currentClock, currentContext, currentLogger } from '../../core/context.ts'
import { healthCheckpoint } from '../../core/health.ts'
import { logWarning } from '../../core/log.ts'
import { Notify } from '../../core/notify.ts'
import { OutageLog } from '../../core/outage-log.ts'
import { StoreTimeout } from '../../core/store-timeout.ts'
import { StoreUnavailableError } from '../../core/store-unavailable-error.ts'
import { Throttle } from '../../core/throttle.ts'
import { VERSION } from '../../core/version.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { BegunCommands } from '../control/begun-commands.ts'
import type { State } from '../views/read-model.ts'
import type { ReplicaStore } from './replica-store.ts'

/** Anyone who can connect to the database can notify, as often as they like. */
const WAKE_EVERY_MS = 100
/** How long a stop waits for the outcomes of commands. */
const LAST_OUTCOMES_MS = 1_000

export interface ReplicaProps {
  /** Of this process, and no other ever. */
  readonly id: string
  readonly store: ReplicaStore
  /** What it is called in lists. */
  readonly name: string
  readonly everyMs: number
  /** What to tell of this process. */
  readonly state: () => State
  /** The run whose workers others may control; undefined before it has begun. */
  readonly runtime: () => Runtime | undefined
}

/** Tells the other processes that this one lives, and does what they ask it to. */
export class ReplicaRun {
  readonly #props: ReplicaProps
  readonly #commands: BegunCommands

  constructor(props: ReplicaProps) {
    this.#props = props
    this.#commands = new BegunCommands(props.store, props.runtime)
  }

  /**
   * Until the abort; then leaves. While the store is out of reach, it keeps trying, and the worker that this is called in is 'firing'.
   *
   * @throws what isn't an outage, such as a SchemaMissingError
   */
  async run(signal: AbortSignal): Promise<void> {
    const clock = currentClock()
    const wake = new Notify(clock, signal)
    const throttle = new Throttle(() => wake.notify(), WAKE_EVERY_MS, clock)
    const answers = new StoreTimeout(clock, currentContext()?.scope.graceMs)
    onAbort(signal, answers.stop)
    const heartbeat = new Heartbeat(this.#props, this.#commands, answers)
    try {
      while (!signal.aborted) {
        if (await heartbeat.beat(() => throttle.call())) throttle.worthIt()
        await wake.wait(this.#props.everyMs)
      }
    } finally {
      throttle.stop()
      await this.#commands.idle(LAST_OUTCOMES_MS)
      await heartbeat.end()
      offAbort(signal, answers.stop)
    }
  }
}

/** The calls of one run. */
class Heartbeat {
  readonly #props: ReplicaProps
  readonly #commands: BegunCommands
  readonly #answers: StoreTimeout
  readonly #outage: OutageLog
  readonly #startedAt: Date
  #off: (() => Promise<void>) | undefined

  constructor(props: ReplicaProps, commands: BegunCommands, answers: StoreTimeout) {
    this.#props = props
    this.#commands = commands
    this.#answers = answers
    this.#outage = new OutageLog('tell other processes that this one lives')
    this.#startedAt = new Date(currentClock().now())
  }

  /** @param onCommand called when there may be commands @returns whether there were new ones */
  async beat(onCommand: () => void): Promise<boolean> {
    try {
      const { store, id } = this.#props
      this.#off ??= await this.#answers.bound(store.onCommand(id, onCommand), { onLate: (off) => void off() })
      const isNew = this.#commands.begin(await this.#answers.bound(store.beat(this.#facts())))
      this.#outage.succeeded()
      healthCheckpoint()
      return isNew
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error
      this.#outage.failed(error)
      healthCheckpoint(error)
      return false
    }
  }

  #facts(): Parameters<ReplicaStore['beat']>[0] {
    const { id, name, state } = this.#props
    const facts = { host: hostname(), pid: process.pid, version: VERSION, startedAt: this.#startedAt }
    return { id, name, ...facts, state: state() }
  }

  /** Others would take a process that doesn't leave for lost, no more. */
  async end(): Promise<void> {
    try {
      await this.#answers.bound(this.#off?.() ?? Promise.resolve())
      await this.#answers.bound(this.#props.store.leave(this.#props.id))
    } catch (error) {
      logWarning(currentLogger(), error, 'cannot take this process off the list of replicas')
    }
  }
}
