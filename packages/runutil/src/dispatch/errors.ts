import { dirname } from 'node:path'
import { brandError } from '../core/brand.ts'
import { codeOf, messageOf } from '../core/thrown.ts'

/** A target has no live worker: none was registered, or it was lost. Nothing was written. */
export class ErrNoWorker extends Error {
  readonly code = 'ERR_NO_WORKER'
  readonly target: string
  static {
    brandError(this, 'ErrNoWorker')
  }
  constructor(operation: string, target: string) {
    super(
      `no live worker of ${operation} for target ${target}; register one with workers.register(host, target, handler)`,
    )
    this.target = target
  }
}

/** A task that holds its target exclusively called `do` for that target, and would deadlock on itself. Nothing was written. */
export class OwnTargetError extends Error {
  readonly code = 'ERR_OWN_TARGET'
  readonly target: string
  static {
    brandError(this, 'OwnTargetError')
  }
  constructor(target: string) {
    super(
      `the exclusive task of target ${target} called do for it, which would wait for that task; call it after the task has ended`,
    )
    this.target = target
  }
}

/** This process already has a worker for the target. */
export class ErrTargetTaken extends Error {
  readonly code = 'ERR_TARGET_TAKEN'
  readonly target: string
  static {
    brandError(this, 'ErrTargetTaken')
  }
  constructor(target: string, host: string) {
    super(`target ${target} already has a live worker, on host ${host}; close that registration first`)
    this.target = target
  }
}

/** The worker that performed an action, or was to perform it, is no longer live. */
export class WorkerLostError extends Error {
  readonly code = 'ERR_WORKER_LOST'
  static {
    brandError(this, 'WorkerLostError')
  }
  constructor() {
    super('worker lost')
  }
}

/** An action failed in another process; the message is that of its error. */
export class ActionFailedError extends Error {
  readonly code = 'ERR_ACTION_FAILED'
  /** The id of the action. */
  readonly action: string
  static {
    brandError(this, 'ActionFailedError')
  }
  constructor(action: string, message: string) {
    super(message)
    this.action = action
  }
}

/** The ledger has no action with that id. */
export class ErrNoSuchAction extends Error {
  readonly code = 'ERR_NO_SUCH_ACTION'
  static {
    brandError(this, 'ErrNoSuchAction')
  }
  constructor(id: string) {
    super(`the ledger has no action ${id}`)
  }
}

/** An ended action never changes its status. */
export class ErrActionEnded extends Error {
  readonly code = 'ERR_ACTION_ENDED'
  static {
    brandError(this, 'ErrActionEnded')
  }
  constructor(id: string, status: string) {
    super(`action ${id} has already ${status}`)
  }
}

/** `do` was called while the manager wasn't running. */
export class ManagerNotRunningError extends Error {
  readonly code = 'ERR_MANAGER_NOT_RUNNING'
  static {
    brandError(this, 'ManagerNotRunningError')
  }
  constructor(operation: string) {
    super(`the manager of ${operation} is not running; call run(signal), or put it into a workers() list`)
  }
}

/** `run` was called while the manager was running. */
export class ManagerRunningError extends Error {
  readonly code = 'ERR_MANAGER_RUNNING'
  static {
    brandError(this, 'ManagerRunningError')
  }
  constructor(operation: string) {
    super(`the manager of ${operation} is already running; call run once, or create another manager`)
  }
}

/** An input or output doesn't match the manager's schema. */
export class InvalidActionError extends TypeError {
  readonly code = 'ERR_INVALID_ACTION'
  static {
    brandError(this, 'InvalidActionError')
  }
}

/** The file of a ledger has a line, other than the last, that is not a valid record. */
export class LedgerCorruptError extends Error {
  readonly code = 'ERR_LEDGER_CORRUPT'
  static {
    brandError(this, 'LedgerCorruptError')
  }
  constructor(file: string, line: number, got: string) {
    super(`${file}:${line}: expected a record of an action as JSON; got ${got}; repair or remove that line`)
  }
}

/** Another process, or another ledger object of this process, has the file open. */
export class LedgerInUseError extends Error {
  readonly code = 'ERR_LEDGER_IN_USE'
  readonly file: string
  /** The process that has it open. */
  readonly pid: number
  /** The host or container that `pid` belongs to. */
  readonly host: string
  static {
    brandError(this, 'LedgerInUseError')
  }
  constructor(file: string, holder: { pid: number; host: string }, who: string) {
    super(`ledger ${file} is in use by ${who}; close it there first, or share a PostgresActionLedger`)
    this.file = file
    this.pid = holder.pid
    this.host = holder.host
  }
}

/** The file of a ledger cannot be opened, read or written; `cause` is the system's error. */
export class LedgerFileError extends Error {
  readonly code = 'ERR_LEDGER_FILE'
  readonly file: string
  static {
    brandError(this, 'LedgerFileError')
  }
  constructor(file: string, done: 'opened' | 'read' | 'written', cause: unknown) {
    super(`ledger ${file} cannot be ${done}${hintFor(file, codeOf(cause))}: ${messageOf(cause)}`, { cause })
    this.file = file
  }
}

function hintFor(file: string, code: string | undefined): string {
  if (code === 'ENOENT') return `; create the folder ${dirname(file)} first`
  if (code === 'EISDIR') return '; it is a folder: pass the path of a file in it'
  if (code === 'ENOTDIR') return `; ${dirname(file)} is not a folder`
  return ''
}

/** A task should be tried again. */
export class TaskRetryError extends Error {
  readonly code = 'ERR_TASK_RETRY'
  /** The message without 'Try again: '. */
  readonly reason: string
  static {
    brandError(this, 'TaskRetryError')
  }
  constructor(reason: string) {
    super(`Try again: ${reason}`)
    this.reason = reason
  }
}

/** Every attempt asked for a retry; `cause` is the last error. */
export class RetriesExhaustedError extends Error {
  readonly code = 'ERR_RETRIES_EXHAUSTED'
  /** How many were made. */
  readonly attempts: number
  static {
    brandError(this, 'RetriesExhaustedError')
  }
  constructor(attempts: number, cause: TaskRetryError) {
    super(`gave up after ${attempts} attempts: ${cause.reason}`, { cause })
    this.attempts = attempts
  }
}
