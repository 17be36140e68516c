import { SerialQueue } from '../core/serial-queue.ts'
import { toError } from '../core/thrown.ts'
import type { ActionRecord } from './action.ts'
import { ErrNoWorker, OwnTargetError } from './errors.ts'
import { type ManagerSettings, clockOf } from './manager-options.ts'
import { validJson } from './schema.ts'
import type { Submission } from './submission.ts'
import type { WorkerInfo } from './task-exchange.ts'

/** The part of a submission that the submitter needs. */
type Submitted = Pick<Submission, 'id' | 'target' | 'input' | 'callerTarget' | 'take'>

/** Writes actions to the ledger, which gives their tasks to live workers; tasks of one target in call order. */
export class TaskSubmitter {
  readonly #settings: ManagerSettings
  readonly #inOrder = new SerialQueue()
  readonly #unfinished = new Set<Promise<void>>()

  constructor(settings: ManagerSettings) {
    this.#settings = settings
  }

  /**
   * Resolves when the action is written. `submission.taken` resolves later, when a worker has the task.
   *
   * @param started awaited before anything is written
   * @throws ErrNoWorker, OwnTargetError, InvalidActionError, InvalidArgumentError, errors of the ledger
   */
  submit(submission: Submitted, started: Promise<unknown>): Promise<void> {
    const submitting = this.#submit(submission, started)
    this.#unfinished.add(submitting)
    const finished = (): void => void this.#unfinished.delete(submitting)
    submitting.then(finished, finished)
    return submitting
  }

  /** Resolves when nothing is being submitted. */
  async idle(): Promise<void> {
    while (this.#unfinished.size > 0) await Promise.allSettled(this.#unfinished)
  }

  async #submit(submission: Submitted, started: Promise<unknown>): Promise<void> {
    const { operation, ledger } = this.#settings
    const { target } = submission
    // Looked up before waiting, so that all calls of one tick get the same worker.
    const found = settled(ledger.exchange.find(operation, target))
    // The next call starts once the ledger has received this one; the ledger keeps the order from there.
    const { written } = await this.#inOrder.run(async () => {
      const record = await this.#record(submission, found)
      await started
      return { written: ledger.dispatch(record, () => submission.take()) }
    }, target)
    // Without a worker the action has already failed, and no worker will take the task.
    if (!(await written)) submission.take()
  }

  async #record(submission: Submitted, found: Promise<Found>): Promise<ActionRecord> {
    const { operation, input: schema } = this.#settings
    const { id, target, callerTarget } = submission
    const input = await validJson(schema, submission.input, `input for ${target}`)
    const { worker, error } = await found
    if (error !== undefined) throw error
    if (worker === undefined) throw new ErrNoWorker(operation, target)
    if (worker.exclusive === true && callerTarget === target) throw new OwnTargetError(target)
    const now = clockOf(this.#settings).now()
    return {
      id,
      operation,
      host: worker.host,
      target,
      input,
      status: 'running',
      createdAt: now,
      updatedAt: now,
    }
  }
}

interface Found {
  readonly worker?: WorkerInfo | undefined
  readonly error?: Error
}

/** Returns the failure as a value: without a waiting caller, a rejection would be unhandled. */
function settled(finding: Promise<WorkerInfo | undefined>): Promise<Found> {
  return finding.then(
    (worker) => ({ worker }),
    (error: unknown) => ({ error: toError(error) }),
  )
}
