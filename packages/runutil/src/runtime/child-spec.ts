import { type Backoff, checkBackoff } from '../core/backoff.ts'
import { toIntervalMs, toMs } from '../core/duration.ts'
import { InvalidArgumentError, unexpected } from '../core/errors.ts'
import { checkName, checkOptions } from '../core/options.ts'
import {
  type DeclarativeWorker,
  type Runnable,
  type Worker,
  type WorkerFunc,
  checkWorker,
  isWorker,
} from '../core/worker.ts'
import { type First, comesFirst, intervalMs, restartType, workerKind } from '../core/worker-kind.ts'
import { markOf, nameOf } from './named.ts'
import type { RestartType } from './restart-plan.ts'
import { type RestartLimit, checkReach, toRestartLimit } from './restart-window.ts'

/** A validated entry of a group's list of workers. */
export interface ChildSpec {
  /** Its name; without one, '#' and its place in the list. */
  readonly label: string
  /** The path segment of its context beneath the group's; '' for a worker that names itself. */
  readonly segment: string
  readonly isNamed: boolean
  /** Whether its health is known from its start. */
  readonly isDeclared: boolean
  readonly worker: Worker | WorkerFunc
  /** Its kind: 'repeat', 'queue', 'supervisor' … */
  readonly kind: string
  /** Whether it, or one that it supervises, comes before all others. */
  readonly first: First | undefined
  readonly restart: RestartType
  readonly retry: Backoff | undefined
  readonly retryIf: ((error: unknown) => boolean) | undefined
  readonly limit: RestartLimit | undefined
  readonly after: readonly string[]
  readonly startTimeoutMs: number | undefined
  readonly stopTimeoutMs: number | undefined
  readonly watchdogMs: number | undefined
}

const PLAIN: RuleFields = {
  restart: 'permanent',
  retry: undefined,
  retryIf: undefined,
  limit: undefined,
  after: [],
  startTimeoutMs: undefined,
  stopTimeoutMs: undefined,
  watchdogMs: undefined,
}

const RESTART_TYPES: readonly string[] = ['permanent', 'transient', 'temporary']

/**
 * @param what what error messages begin with
 * @param outer the supervisor's default backoff
 * @throws InvalidArgumentError, InvalidDurationError
 */
export function toChildSpec(runnable: Runnable, at: number, what: string, outer?: Backoff): ChildSpec {
  if (isDeclarative(runnable)) return declared(runnable, what, outer)
  checkWorker(runnable, what)
  const name = nameOf(runnable)
  if (name === undefined) return specOf(`#${at}`, `/#${at}`, 'unnamed', runnable, PLAIN)
  const restart = restartIn(runnable)
  return specOf(name, '', 'named', runnable, restart === undefined ? PLAIN : { ...PLAIN, restart })
}

/** The restart type of the entry inside of a named worker. */
function restartIn(worker: object): RestartType | undefined {
  return markOf(worker, restartType) as RestartType | undefined
}

/** The spec of a worker that its caller has already named. */
export function plainSpec(worker: Worker | WorkerFunc): ChildSpec {
  return specOf('', '', 'named', worker, PLAIN)
}

export function isDeclarative(runnable: Runnable): runnable is DeclarativeWorker {
  const given: unknown = runnable
  return typeof given === 'object' && given !== null && !isWorker(given) && 'worker' in given
}

function declared(entry: DeclarativeWorker, what: string, outer: Backoff | undefined): ChildSpec {
  const { name, worker, ...rules } = checkOptions(what, entry, [
    'name',
    'worker',
    'retry',
    'restart',
    'retryIf',
    'intensity',
    'after',
    'startTimeout',
    'stopTimeout',
    'watchdog',
  ])
  checkName(name, `${what}: name`)
  checkWorker(worker, `${what} ('${name}'): worker`)
  const label = nameOf(entry)!
  const hasRules = restartIn(worker) !== undefined || isAnyGiven(rules)
  const checked = hasRules ? checkedRules(rules, `${what} ('${name}')`, worker, outer) : PLAIN
  return specOf(label, `/${name}`, 'declared', worker, checked)
}

function isAnyGiven(rules: Rules): boolean {
  for (const key in rules) if (rules[key as keyof Rules] !== undefined) return true
  return false
}

/** Property by property: there may be 100,000 specs, and a spread costs an object its compact form. */
function specOf(
  label: string,
  segment: string,
  as: 'unnamed' | 'named' | 'declared',
  worker: Worker | WorkerFunc,
  rules: RuleFields,
): ChildSpec {
  return {
    label,
    segment,
    isNamed: as !== 'unnamed',
    isDeclared: as === 'declared',
    worker,
    kind: kindOf(worker),
    first: markOf(worker, comesFirst) as First | undefined,
    restart: rules.restart,
    retry: rules.retry,
    retryIf: rules.retryIf,
    limit: rules.limit,
    after: rules.after,
    startTimeoutMs: rules.startTimeoutMs,
    stopTimeoutMs: rules.stopTimeoutMs,
    watchdogMs: rules.watchdogMs,
  }
}

type Rules = Omit<DeclarativeWorker, 'name' | 'worker'>

function checkedRules(rules: Rules, what: string, worker: object, outer: Backoff | undefined): RuleFields {
  const { retry, retryIf, intensity, after = [] } = rules
  const inner = restartIn(worker)
  const { restart = inner === 'temporary' && retry !== undefined ? 'permanent' : (inner ?? 'permanent') } =
    rules
  if (!RESTART_TYPES.includes(restart)) {
    throw unexpected(`${what}: restart`, `'permanent', 'transient' or 'temporary'`, restart)
  }
  if (retry !== undefined) checkBackoff(retry, `${what}: retry`)
  if (restart === 'temporary' && retry !== undefined)
    throw new InvalidArgumentError(`${what}: ${NEVER_RESTARTS}`)
  if (retryIf !== undefined && typeof retryIf !== 'function') {
    throw unexpected(`${what}: retryIf`, 'a function (error) => boolean', retryIf)
  }
  const limit = intensity === undefined ? undefined : toRestartLimit(intensity, `${what}: intensity`)
  if (limit !== undefined) checkLimit(limit, retry ?? (restart === 'temporary' ? undefined : outer), what)
  const msOf = (key: 'startTimeout' | 'stopTimeout'): number | undefined =>
    rules[key] === undefined ? undefined : toMs(rules[key], `${what}: ${key}`)
  const { watchdog } = rules
  const watchdogMs = watchdog === undefined ? undefined : toIntervalMs(watchdog, `${what}: watchdog`)
  if (watchdogMs !== undefined) checkWatchdog(watchdogMs, worker, `${what}: watchdog`)
  return {
    restart,
    retry,
    retryIf,
    limit,
    after: namesIn(after, `${what}: after`),
    startTimeoutMs: msOf('startTimeout'),
    stopTimeoutMs: msOf('stopTimeout'),
    watchdogMs,
  }
}

type RuleFields = Pick<
  ChildSpec,
  'restart' | 'retry' | 'retryIf' | 'limit' | 'after' | 'startTimeoutMs' | 'stopTimeoutMs' | 'watchdogMs'
>

const NEVER_RESTARTS =
  "expected no retry beside restart: 'temporary'; got one, but a temporary worker is never restarted; leave out one of the two"

function checkLimit(limit: RestartLimit, backoff: Backoff | undefined, what: string): void {
  if (backoff === undefined) {
    const hint = 'without one, the first failure ends the group anyway'
    throw new InvalidArgumentError(`${what}: intensity: expected a retry beside it; got none; ${hint}`)
  }
  checkReach(limit, [backoff], 1, `${what}: intensity`)
}

function namesIn(after: unknown, what: string): readonly string[] {
  const names: unknown = typeof after === 'string' ? [after] : after
  if (!Array.isArray(names)) throw unexpected(what, 'a name, or a list of names', after)
  for (const name of names) checkName(name, what)
  return names as string[]
}

function kindOf(worker: Worker | WorkerFunc): string {
  return (markOf(worker, workerKind) as string | undefined) ?? 'worker'
}

/** @throws InvalidArgumentError for a watchdog that would fire between two runs */
function checkWatchdog(watchdogMs: number, worker: object, what: string): void {
  const betweenMs = markOf(worker, intervalMs) as number | undefined
  if (betweenMs === undefined || watchdogMs > betweenMs) return
  throw new InvalidArgumentError(
    `${what}: expected more than the ${betweenMs} ms between two runs; got ${watchdogMs} ms`,
  )
}
