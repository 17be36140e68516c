import { availableParallelism, hostname } from 'node:os'
import type { Clock } from '../core/clock.ts'
import { currentClock, currentLogger } from '../core/context.ts'
import { type Duration, toIntervalMs, toStorableIntervalMs, toStorableMs } from '../core/duration.ts'
import { unexpected } from '../core/errors.ts'
import { logWarning } from '../core/log.ts'
import { otherCopyHint } from '../core/shared.ts'
import { checkOptions } from '../core/options.ts'
import { SafeCallback } from '../core/safe-callback.ts'
import { isPlainFunction } from '../core/has.ts'
import { checkCount, checkName, checkTexts } from './checks.ts'
import type { Attempt, Namespace } from './model.ts'
import { NamespaceHandle } from './namespace-handle.ts'

/**
 * Works on attempts, all of one spec. Its signal aborts when the worker stops; with an AttemptsExpiringError 30 s before
 * the first attempt expires, or at half of a lease under a minute, as last renewed; and with an ErrLostLease when other
 * workers have taken all remaining ones. Attempts pending when it returns stay so until they expire or the worker stops.
 */
export type CoordinateTask = (attempts: Attempt[], signal: AbortSignal) => Promise<void> | void

/** Options of a `CoordinateWorker`. */
export interface CoordinateWorkerOptions {
  /** Where it registers itself and asks for work. */
  namespace: Namespace
  /** The tasks, by the `task` in a spec's data or, without one, by the spec's name. */
  tasks: Record<string, CoordinateTask>
  /** Its name in the namespace, unique among all processes. Default: from the host, the process id and a random part. */
  workerId?: string | undefined
  /** How many sets of attempts it works on at once. Default: as many as the machine has processors. */
  concurrency?: number | undefined
  /** How long it waits when there is no work and no notification. Default 1 s. */
  pollInterval?: Duration | undefined
  /** How often it updates its record. Default 15 s. */
  heartbeatInterval?: Duration | undefined
  /** The most attempts in a set. Default 100. */
  maxAttempts?: number | undefined
  /** The length of its leases: how long it keeps attempts after its death, or without a renewal. Default 15 m. */
  lifetime?: Duration | undefined
  /** Whether to renew the attempts of a running task at half of their lease. Default false: the task renews them, or is aborted. */
  autoRenew?: boolean | undefined
  /** After how long it removes units that have ended, and old attempts; see `Namespace.prune`. Default: never. */
  retention?: Duration | undefined
  /** Called for errors of the store. Neither these nor its own errors end the worker. Default: logs them. */
  errorHandler?: ((error: unknown) => unknown) | undefined
  /** Default: the clock of the group, or the system's. */
  clock?: Clock | undefined
  /** Runtimes of the specs it works on. Default ['node']. */
  runtimes?: readonly string[] | undefined
}

/** The options, checked, with all defaults. */
export interface CoordinateWorkerSettings {
  readonly namespace: NamespaceHandle
  readonly tasks: ReadonlyMap<string, CoordinateTask>
  readonly workerId: string
  readonly concurrency: number
  readonly pollIntervalMs: number
  readonly heartbeatMs: number
  readonly maxAttempts: number
  readonly lifetimeMs: number
  readonly autoRenew: boolean
  readonly retentionMs: number | undefined
  readonly onError: (error: unknown) => void
  readonly clock: Clock
  readonly runtimes: readonly string[]
}

const KNOWN = [
  'namespace',
  'tasks',
  'workerId',
  'concurrency',
  'pollInterval',
  'heartbeatInterval',
  'maxAttempts',
  'lifetime',
  'autoRenew',
  'retention',
  'errorHandler',
  'clock',
  'runtimes',
] as const

/** @throws InvalidArgumentError, InvalidDurationError */
export function resolveSettings(options: CoordinateWorkerOptions): CoordinateWorkerSettings {
  const what = 'CoordinateWorker'
  const {
    namespace,
    tasks,
    clock = currentClock(),
    errorHandler,
    ...rest
  } = checkOptions(what, options, KNOWN)
  const { workerId = randomId(clock), concurrency = availableParallelism(), runtimes = ['node'] } = rest
  const { pollInterval = '1s', heartbeatInterval = '15s', maxAttempts = 100, autoRenew = false } = rest
  const { lifetime = '15m', retention } = rest
  if (!(namespace instanceof NamespaceHandle))
    throw unexpected(
      `${what}: namespace`,
      'a namespace',
      namespace,
      otherCopyHint(namespace, NamespaceHandle),
    )
  checkName(workerId, `${what}: workerId`)
  checkCount(concurrency, `${what}: concurrency`)
  checkCount(maxAttempts, `${what}: maxAttempts`)
  checkTexts(runtimes, `${what}: runtimes`)
  if (typeof autoRenew !== 'boolean') throw unexpected(`${what}: autoRenew`, 'true or false', autoRenew)
  if (errorHandler !== undefined && !isPlainFunction(errorHandler))
    throw unexpected(`${what}: errorHandler`, 'a function (error) => …', errorHandler)
  return {
    namespace,
    tasks: taskMap(tasks),
    workerId,
    concurrency,
    maxAttempts,
    autoRenew,
    clock,
    runtimes,
    retentionMs: retention === undefined ? undefined : toStorableMs(retention, `${what}: retention`),
    lifetimeMs: toStorableIntervalMs(lifetime, `${what}: lifetime`),
    pollIntervalMs: toIntervalMs(pollInterval, `${what}: pollInterval`),
    heartbeatMs: toIntervalMs(heartbeatInterval, `${what}: heartbeatInterval`),
    onError: guarded(
      errorHandler ?? ((error) => logWarning(currentLogger(), error, 'coordinate store failed')),
    ),
  }
}

/** Logs errors of the handler itself. */
function guarded(errorHandler: (error: unknown) => unknown): (error: unknown) => void {
  const handler = new SafeCallback(errorHandler, 'errorHandler')
  return (error) => void handler.call(error)
}

function taskMap(tasks: Record<string, CoordinateTask>): ReadonlyMap<string, CoordinateTask> {
  if (typeof tasks !== 'object' || tasks === null) {
    throw unexpected('CoordinateWorker: tasks', 'an object of name: (attempts, signal) => Promise', tasks)
  }
  for (const [name, task] of Object.entries(tasks)) {
    if (!isPlainFunction(task)) {
      throw unexpected(`CoordinateWorker: tasks.${name}`, 'a function (attempts, signal) => Promise', task)
    }
  }
  return new Map(Object.entries(tasks))
}

function randomId(clock: Clock): string {
  const chance = Math.floor(clock.random() * 2 ** 32).toString(36)
  return `${hostname()}-${process.pid}-${chance}`
}
