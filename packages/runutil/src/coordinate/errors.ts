import { brandError } from '../core/brand.ts'
import { ErrLostLease } from '../core/err-lost-lease.ts'
import { InvalidArgumentError } from '../core/errors.ts'

/** The attempt is no longer its unit's active one: another worker has the unit, or it was cleared. Nothing was changed. */
export function attemptLost(): ErrLostLease {
  return new ErrLostLease(
    "the attempt isn't its work unit's active one any more: another worker has the unit, or it was cleared",
  )
}

/** A worker was given something of a namespace that isn't its own. */
export function otherNamespace(call: string, what: string): InvalidArgumentError {
  return new InvalidArgumentError(`${call}: expected ${what} of the worker's namespace; got one of another`)
}

/** The attempts of a task are about to expire, and it hasn't renewed them. */
export class AttemptsExpiringError extends Error {
  readonly code = 'ERR_ATTEMPTS_EXPIRING'
  static {
    brandError(this, 'AttemptsExpiringError')
  }

  constructor(task: string) {
    super(`the attempts of task '${task}' are about to expire`)
  }
}

/** The attempt has ended, so it can't be ended again or renewed. */
export class ErrNotPending extends Error {
  readonly code = 'ERR_NOT_PENDING'
  readonly status: string
  static {
    brandError(this, 'ErrNotPending')
  }

  constructor(what: string, status: string) {
    super(`${what}: expected an attempt that is pending; this one is ${status}`)
    this.status = status
  }
}

/** The object's record was deleted. A new one under the same name doesn't count. */
export class ErrGone extends Error {
  readonly code = 'ERR_GONE'
  static {
    brandError(this, 'ErrGone')
  }

  constructor(what: string) {
    super(`${what} was deleted`)
  }
}

/** No work spec of the namespace has this name. */
export class ErrNoSuchWorkSpec extends Error {
  readonly code = 'ERR_NO_SUCH_WORK_SPEC'
  readonly workSpec: string
  static {
    brandError(this, 'ErrNoSuchWorkSpec')
  }

  constructor(workSpec: string) {
    super(`there is no work spec '${workSpec}'; setWorkSpec makes one`)
    this.workSpec = workSpec
  }
}

/** No work unit of the spec has this name. */
export class ErrNoSuchWorkUnit extends Error {
  readonly code = 'ERR_NO_SUCH_WORK_UNIT'
  readonly workUnit: string
  static {
    brandError(this, 'ErrNoSuchWorkUnit')
  }

  constructor(workUnit: string) {
    super(`there is no work unit '${workUnit}'; addWorkUnit makes one`)
    this.workUnit = workUnit
  }
}

/** A spec's data has no `name`. */
export class ErrNoWorkSpecName extends TypeError {
  readonly code = 'ERR_NO_WORK_SPEC_NAME'
  static {
    brandError(this, 'ErrNoWorkSpecName')
  }

  constructor() {
    super("expected a work spec's data to have a name: { name: 'crawl', … }; it has none")
  }
}

/** The `name` in a spec's data isn't a string. */
export class ErrBadWorkSpecName extends TypeError {
  readonly code = 'ERR_BAD_WORK_SPEC_NAME'
  static {
    brandError(this, 'ErrBadWorkSpecName')
  }

  constructor(name: string) {
    super(`expected the name in a work spec's data to be a string; got ${name}`)
  }
}

/** `setData` with another name than the spec's. */
export class ErrChangedName extends Error {
  readonly code = 'ERR_CHANGED_NAME'
  static {
    brandError(this, 'ErrChangedName')
  }

  constructor(from: string, to: string) {
    super(`a work spec's name never changes; expected '${from}', got '${to}'`)
  }
}
