import { workerKind } from '../core/worker-kind.ts'
import { workerReady } from '../core/worker-ready.ts'
import { currentContext } from '../core/context.ts'
import { unexpected } from '../core/errors.ts'
import { checkOptions, checkText } from '../core/options.ts'
import { StoreUnavailableError } from '../core/store-unavailable-error.ts'
import type { WorkerRecord } from '../core/worker-record.ts'
import type { Worker } from '../core/worker.ts'
import { ActionChanges } from './action-changes.ts'
import { changeOf } from './action-update.ts'
import { type Action, toAction } from './action.ts'
import { Actions } from './actions.ts'
import { ManagerNotRunningError, ManagerRunningError } from './errors.ts'
import { LiveWorkers } from './live-workers.ts'
import { LostWorkers } from './lost-workers.ts'
import { type ManagerOptions, type ManagerSettings, managerSettings } from './manager-options.ts'
import { Outcomes } from './outcomes.ts'
import { Settler } from './settler.ts'
import { Submission, type TaskSubmission } from './submission.ts'
import { Submissions } from './submissions.ts'
import { TaskSubmitter } from './task-submitter.ts'

/**
 * Gives tasks to the live workers of an operation and records their outcomes in the ledger. The manager is itself a Worker,
 * for a `workers()` list.
 *
 * The path of a task: `do` ─► TaskSubmitter ─► the ledger and its exchange ─► WorkerLoop, which calls the handler ─► Settler
 * ─► the ledger ─► Outcomes, which settles `completed`.
 *
 * @example
 * const manager = new Manager({ operation: 'screenshot', ledger: new MemoryActionLedger() })
 * manager.workers.register('host-1', 'phone-7', async (task, signal) => {
 *   await manager.update({ id: task.action, output: await takeScreenshot(task.input, signal) })
 * })
 * const id = await manager.do('phone-7', { url: 'https://example.org' })
 */
export class Manager<I = unknown, O = unknown> implements Worker {
  readonly [workerKind] = 'manager'
  /** The actions of its operation, read from the ledger. */
  readonly actions: Actions<I, O>
  /** Where workers are registered, and those that are live. */
  readonly workers: LiveWorkers<I>
  readonly #settings: ManagerSettings
  readonly #submissions = new Submissions<I, O>()
  readonly #changes: ActionChanges
  readonly #submitter: TaskSubmitter
  readonly #outcomes: Outcomes
  #running = false
  /** The worker record of the current run. */
  #record: WorkerRecord | undefined
  /** Set while `do` may be called; resolves once the manager follows the ledger. */
  #started: Promise<unknown> | undefined

  /** @throws InvalidArgumentError, InvalidDurationError */
  constructor(options: ManagerOptions<I, O>) {
    this.#settings = managerSettings(options)
    this.#changes = new ActionChanges(this.#settings)
    this.#submitter = new TaskSubmitter(this.#settings)
    this.#outcomes = new Outcomes(this.#settings, this.#submissions)
    this.actions = new Actions(this.#settings.operation, this.#settings.ledger)
    this.workers = new LiveWorkers(this.#settings, new Settler(this.#changes, this.#submissions))
  }

  /** The operation of its actions. */
  get operation(): string {
    return this.#settings.operation
  }

  /**
   * Writes an action to the ledger and gives its task to the live worker of the target. Calls made in one tick keep their order.
   *
   * Rejects only when nothing was written. Resolves when the worker has taken the task, or when the action failed before that.
   *
   * @throws ErrNoWorker, OwnTargetError, InvalidActionError, InvalidArgumentError for what isn't JSON,
   *   ManagerNotRunningError, errors of the ledger; after a StoreUnavailableError with `outcomeUnknown`, the action may have been
   *   written and performed
   */
  do(target: string, input: I, options: Record<string, never> = {}): TaskSubmission<I, O> {
    const submission = new Submission<I, O>(target, input)
    this.#submissions.add(submission)
    const taken = this.#submit(submission, options).catch((error: unknown) => {
      this.#submissions.reject(submission.id, error)
      throw error
    })
    return submission.returned(taken)
  }

  async #submit(submission: Submission<I, O>, options: object): Promise<string> {
    checkOptions('do', options, [])
    const { target } = submission
    if (typeof target !== 'string') throw unexpected('do: target', 'the name of a target', target)
    checkText(target, 'do: target')
    if (this.#started === undefined) throw new ManagerNotRunningError(this.#settings.operation)
    await this.#submitter.submit(submission, this.#started)
    await submission.taken
    this.#record?.signOfLife()
    return submission.id
  }

  /**
   * Merges the given fields into an action.
   *
   * @throws ErrNoSuchAction, ErrActionEnded, InvalidActionError, InvalidArgumentError for what isn't JSON
   */
  async update(action: Partial<Action<I, O>> & { readonly id: string }): Promise<Action<I, O>> {
    return toAction(await this.#changes.update(await changeOf(action, this.#settings.output)))
  }

  /**
   * Accepts calls of `do` until the abort, and fails running actions whose workers are gone for longer than the grace
   * period. On abort it closes the workers that were registered here, which waits for their tasks.
   *
   * @throws ManagerRunningError when the manager is already running; errors of the ledger that are not transient
   */
  async run(signal: AbortSignal): Promise<void> {
    const { operation } = this.#settings
    if (this.#running) throw new ManagerRunningError(operation)
    this.#running = true
    this.#record = currentContext()?.record
    if (this.#record !== undefined)
      this.#record.describe = () => ({ operation, workers: this.workers.detail })
    try {
      await this.#serve(signal)
    } catch (error) {
      // The signal was aborted while the ledger was unreachable.
      if (!(signal.aborted && error instanceof StoreUnavailableError)) throw error
    } finally {
      this.#running = false
      this.#started = undefined
      this.#submissions.rejectAll(new ManagerNotRunningError(operation))
    }
  }

  async #serve(signal: AbortSignal): Promise<void> {
    const following = this.#outcomes.follow(signal)
    this.#started = following
    const { off } = await following
    workerReady()
    try {
      await new LostWorkers(this.#settings, this.#changes).watch(signal).finally(() => this.#windDown())
    } finally {
      await off()
    }
  }

  async #windDown(): Promise<void> {
    this.#started = undefined
    await this.#submitter.idle()
    await this.workers.closeAll()
    await this.#outcomes.settleEnded()
  }
}
