import { dirname } from 'node:path'
import { codeOf, messageOf } from '../core/thrown.ts'

/** A target has no live worker: none was registered, or it was lost. Nothing was written. */
export class ErrNoWorker extends Error {
  readonly code = 'ERR_NO_WORKER'
  readonly target: string
  static {
    this.prototype.name = 'ErrNoWorker'
  }
  constructor(operation: string, target: string) {
    super(
      `no live worker of ${operation} for target ${target}; register one with workers.register(host, target, handler)`,
    )
    this.target = target
  }
}

/** A task that has its target for itself called `do` for it: it would wait for its own end. Nothing was written. */
export class OwnTargetError extends Error {
  readonly code = 'ERR_OWN_TARGET'
  readonly target: string
  static {
    this.prototype.name = 'OwnTargetError'
  }
  constructor(target: string) {
    super(
      `a task has target ${target} for itself and called do for it, which would wait for that task; call it when the task has ended`,
    )
    this.target = target
  }
}

/** A target has a worker already, in this process. */
export class ErrTargetTaken extends Error {
  readonly code = 'ERR_TARGET_TAKEN'
  readonly target: string
  static {
    this.prototype.name = 'ErrTargetTaken'
  }
  constructor(target: string, host: string) {
    super(`target ${target} has a live worker already, on host ${host}; close that registration first`)
    this.target = target
  }
}

/** The worker that had an action, or was to have it, is gone. */
export class WorkerLostError extends Error {
  readonly code = 'ERR_WORKER_LOST'
  static {
    this.prototype.name = 'WorkerLostError'
  }
  constructor() {
    super('worker lost')
  }
}

/** An action failed in another process; the message is what it failed with. */
export class ActionFailedError extends Error {
  readonly code = 'ERR_ACTION_FAILED'
  readonly action: string
  static {
    this.prototype.name = 'ActionFailedError'
  }
  constructor(action: string, message: string) {
    super(message)
    this.action = action
  }
}

/** The ledger has no action of that id. */
export class ErrNoSuchAction extends Error {
  readonly code = 'ERR_NO_SUCH_ACTION'
  static {
    this.prototype.name = 'ErrNoSuchAction'
  }
  constructor(id: string) {
    super(`no action ${id} in the ledger`)
  }
}

/** An action that has succeeded or failed stays so. */
export class ErrActionEnded extends Error {
  readonly code = 'ERR_ACTION_ENDED'
  static {
    this.prototype.name = 'ErrActionEnded'
  }
  constructor(id: string, status: string) {
    super(`action ${id} has ${status} already`)
  }
}

/** `do` was called while the manager wasn't running. */
export class ManagerNotRunningError extends Error {
  readonly code = 'ERR_MANAGER_NOT_RUNNING'
  static {
    this.prototype.name = 'ManagerNotRunningError'
  }
  constructor(operation: string) {
    super(`the manager of ${operation} is not running; call run(signal), or put it into a workers() list`)
  }
}

/** `run` was called while the manager was running. */
export class ManagerRunningError extends Error {
  readonly code = 'ERR_MANAGER_RUNNING'
  static {
    this.prototype.name = 'ManagerRunningError'
  }
  constructor(operation: string) {
    super(`the manager of ${operation} is running already; call run once, or make another manager`)
  }
}

/** An input or output doesn't fit the manager's schema. */
export class InvalidActionError extends TypeError {
  readonly code = 'ERR_INVALID_ACTION'
  static {
    this.prototype.name = 'InvalidActionError'
  }
}

/** A file of a ledger has a line that is no record, and isn't the last. */
export class LedgerCorruptError extends Error {
  readonly code = 'ERR_LEDGER_CORRUPT'
  static {
    this.prototype.name = 'LedgerCorruptError'
  }
  constructor(file: string, line: number, came: string) {
    super(`${file}:${line}: expected a record of an action as JSON; got ${came}; fix or remove that line`)
  }
}

/** Another process, or another ledger of this one, has the file open. */
export class LedgerInUseError extends Error {
  readonly code = 'ERR_LEDGER_IN_USE'
  readonly file: string
  readonly pid: number
  /** The host, or container, in which `pid` means it. */
  readonly host: string
  static {
    this.prototype.name = 'LedgerInUseError'
  }
  constructor(file: string, holder: { pid: number; host: string }, who: string) {
    super(`ledger ${file} is in use by ${who}; close it there first, or share a PostgresActionLedger`)
    this.file = file
    this.pid = holder.pid
    this.host = holder.host
  }
}

/** The file of a ledger can't be opened, read or written; `cause` is what the system says. */
export class LedgerFileError extends Error {
  readonly code = 'ERR_LEDGER_FILE'
  readonly file: string
  static {
    this.prototype.name = 'LedgerFileError'
  }
  constructor(file: string, done: 'opened' | 'read' | 'written', cause: unknown) {
    super(`ledger ${file} can't be ${done}${hintFor(file, codeOf(cause))}: ${messageOf(cause)}`, { cause })
    this.file = file
  }
}

function hintFor(file: string, code: string | undefined): string {
  if (code === 'ENOENT') return `; create the folder ${dirname(file)} first`
  if (code === 'EISDIR') return '; it is a folder: give the path of a file in it'
  if (code === 'ENOTDIR') return `; ${dirname(file)} is no folder`
  return ''
}

/** A task should be tried again (seed 002). */
export class TaskRetryError extends Error {
  readonly code = 'ERR_TASK_RETRY'
  readonly reason: string
  static {
    this.prototype.name = 'TaskRetryError'
  }
  constructor(reason: string) {
    super(`Try again: ${reason}`)
    this.reason = reason
  }
}

/** A task asked for a retry each time; `cause` is the last. */
export class RetriesExhaustedError extends Error {
  readonly code = 'ERR_RETRIES_EXHAUSTED'
  readonly attempts: number
  static {
    this.prototype.name = 'RetriesExhaustedError'
  }
  constructor(attempts: number, cause: TaskRetryError) {
    super(`gave up after ${attempts} attempts: ${cause.reason}`, { cause })
    this.attempts = attempts
  }
}
