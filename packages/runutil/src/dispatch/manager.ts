import type { Clock } from '../core/clock.ts'
import { currentClock, currentLogger } from '../core/context.ts'
import { unexpected } from '../core/errors.ts'
import { healthCheckpoint } from '../core/health.ts'
import { logWarning } from '../core/log.ts'
import { checkOptions, checkText } from '../core/options.ts'
import { OutageLog } from '../core/outage-log.ts'
import { StoreUnavailableError } from '../core/store-unavailable-error.ts'
import { storableText } from '../core/text.ts'
import { messageOf } from '../core/thrown.ts'
import { untilAvailable } from '../core/until-available.ts'
import type { Worker } from '../core/worker.ts'
import { ActionChanges } from './action-changes.ts'
import type { Following, SeenRecord } from './action-ledger.ts'
import { ACTION_FIELDS, ACTION_STATUSES, type Action, toAction } from './action.ts'
import { Actions } from './actions.ts'
import { ManagerNotRunningError, ManagerRunningError } from './errors.ts'
import { HandOver } from './hand-over.ts'
import { asJson } from './json.ts'
import { LiveWorkers } from './live-workers.ts'
import { LostWorkers } from './lost-workers.ts'
import { type ManagerOptions, type ManagerSettings, managerSettings } from './manager-options.ts'
import { Outcomes } from './outcomes.ts'
import { validJson } from './schema.ts'

/** The id of an action, once its worker has taken the task. */
export type Dispatched<I, O> = Promise<string> & {
  /** The action when it has succeeded. Rejects with the error when it fails; nobody has to look. */
  readonly completed: Promise<Action<I, O>>
}

/**
 * Gives tasks to the live workers of an operation and keeps what comes of them (seed 002). A worker as any other, for a
 * `workers()` list.
 *
 * @example
 * const manager = new Manager({ operation: 'screenshot', ledger: new MemoryActionLedger() })
 * manager.workers.register('host-1', 'phone-7', async (task, signal) => {
 *   await manager.update({ id: task.action, output: await takeScreenshot(task.input, signal) })
 * })
 * const id = await manager.do('phone-7', { url: 'https://example.org' })
 */
export class Manager<I = unknown, O = unknown> implements Worker {
  readonly actions: Actions<I, O>
  readonly workers: LiveWorkers<I>
  readonly #settings: ManagerSettings
  readonly #outcomes = new Outcomes<I, O>()
  readonly #changes: ActionChanges
  readonly #handOver: HandOver
  #running = false
  /** While calls of `do` are taken. */
  #started: Promise<unknown> | undefined

  /** @throws InvalidArgumentError, InvalidDurationError */
  constructor(options: ManagerOptions<I, O>) {
    this.#settings = managerSettings(options)
    const { operation, ledger } = this.#settings
    this.#changes = new ActionChanges(ledger, () => this.#clock)
    this.#handOver = new HandOver(this.#settings, () => this.#clock)
    this.actions = new Actions(operation, ledger)
    this.workers = new LiveWorkers(operation, ledger.exchange, {
      now: () => this.#clock.now(),
      succeed: (id, signal) => this.#changes.succeed(id, signal),
      fail: (id, error, signal) => {
        const text = storableText(messageOf(error))
        this.#outcomes.knowError(id, error, text)
        return this.#changes.fail(id, text, signal)
      },
    })
  }

  get #clock(): Clock {
    return this.#settings.clock ?? currentClock()
  }

  /**
   * Writes an action down and hands its task to the live worker of the target. Calls made in one tick keep their order.
   *
   * Rejects only when nothing was written. Resolves when the worker has taken the task, or the action has failed before.
   *
   * @throws ErrNoWorker, OwnTargetError, InvalidActionError, InvalidArgumentError for what isn't JSON,
   *   ManagerNotRunningError; what the ledger says: after a StoreUnavailableError with `outcomeUnknown` it may have been written and done
   */
  do(target: string, input: I, options: Record<string, never> = {}): Dispatched<I, O> {
    const outcome = this.#outcomes.open()
    const id = this.#dispatch(target, input, outcome.id, options).catch((error: unknown) => {
      outcome.drop(error)
      throw error
    })
    const completed = (): Promise<Action<I, O>> => {
      // Whoever looks at this one hears of what the other rejects with.
      id.catch(() => {})
      return outcome.completed
    }
    return Object.defineProperty(id, 'completed', { get: completed }) as Dispatched<I, O>
  }

  async #dispatch(target: string, input: I, id: string, options: object): Promise<string> {
    checkOptions('do', options, [])
    if (typeof target !== 'string') throw unexpected('do: target', 'the name of a target', target)
    checkText(target, 'do: target')
    if (this.#started === undefined) throw new ManagerNotRunningError(this.#settings.operation)
    const { taken } = await this.#handOver.give({ id, target, input }, this.#started)
    await Promise.race([taken, this.#outcomes.ended(id)])
    return id
  }

  /**
   * Merges what is given into an action.
   *
   * @throws ErrNoSuchAction, ErrActionEnded, InvalidActionError, InvalidArgumentError for what isn't JSON
   */
  async update(action: Partial<Action<I, O>> & { readonly id: string }): Promise<Action<I, O>> {
    const given = {
      ...checkOptions('update', action, ACTION_FIELDS),
      createdAt: undefined,
      updatedAt: undefined,
    }
    const { id, status } = given
    if (typeof id !== 'string') throw unexpected('update: id', 'the id of an action', id)
    checkText(id, 'update: id')
    if (status !== undefined && !ACTION_STATUSES.includes(status)) {
      throw unexpected('update: status', "'running', 'succeeded' or 'failed'", status)
    }
    const output =
      given.output === undefined
        ? undefined
        : await validJson(this.#settings.output, given.output, `output of ${id}`)
    const change = asJson({ ...given, output: undefined }, `update of ${id}`)
    return toAction(await this.#changes.update({ ...change, output }))
  }

  /**
   * Takes calls of `do` until the abort, and fails running actions whose workers are gone for longer than the grace
   * period. On abort it closes the workers that were registered here, which waits for their tasks.
   *
   * @throws ManagerRunningError when it runs already; what the ledger says for good
   */
  async run(signal: AbortSignal): Promise<void> {
    const { operation } = this.#settings
    if (this.#running) throw new ManagerRunningError(operation)
    this.#running = true
    const following = this.#follow(signal)
    this.#started = following
    try {
      const { off } = await following
      try {
        await this.#lookForLostWorkers(signal).finally(() => this.#windDown())
      } finally {
        await off()
      }
    } catch (error) {
      // Told to stop while the ledger couldn't be reached.
      if (!(signal.aborted && error instanceof StoreUnavailableError)) throw error
    } finally {
      this.#running = false
      this.#started = undefined
      this.#outcomes.dropAll(new ManagerNotRunningError(operation))
    }
  }

  async #follow(signal: AbortSignal): Promise<Following> {
    const { operation, ledger } = this.#settings
    const outage = new OutageLog(`follow the ledger of ${operation}`)
    const onChange = ({ record }: SeenRecord): void => {
      if (record.status !== 'running') this.#outcomes.settle(record)
    }
    // The search for lost workers ends for the same reason.
    const follow = () => ledger.follow(onChange, () => {})
    const following = await untilAvailable(follow, {
      clock: this.#clock,
      signal,
      givesUp: () => signal.aborted,
      onRetry: (error) => {
        outage.failed(error)
        healthCheckpoint(error)
      },
    })
    outage.succeeded()
    return following
  }

  #lookForLostWorkers(signal: AbortSignal): Promise<void> {
    const lose = (action: string): Promise<void> => this.#changes.lose(action, signal)
    return new LostWorkers({ ...this.#settings, clock: this.#clock, lose }).look(signal)
  }

  /** What ends now is told of; of what others still have to do, nobody here will hear. */
  async #windDown(): Promise<void> {
    this.#started = undefined
    await this.#handOver.idle()
    await this.workers.closeAll()
    const { ledger, operation } = this.#settings
    try {
      for (const record of await Promise.all(this.#outcomes.ids.map((id) => ledger.get(id)))) {
        if (record !== undefined && record.status !== 'running') this.#outcomes.settle(record)
      }
    } catch (error) {
      logWarning(currentLogger(), error, `cannot see which actions of ${operation} have ended`)
    }
  }
}
