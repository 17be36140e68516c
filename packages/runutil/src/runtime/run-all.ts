import { warnOfLoopDelay } from './loop-delay.ts'
import { Context, type RunScope, currentContext, currentName } from '../core/context.ts'
import type { Backoff } from '../core/backoff.ts'
import { checkOptions } from '../core/options.ts'
import type { WorkerRecord } from '../core/worker-record.ts'
import type { Runnable } from '../core/worker.ts'
import { toChildSpec } from './child-spec.ts'
import { WorkerGroupError } from './errors.ts'
import { FatalLine } from './fatal-line.ts'
import type { Grace } from './grace.ts'
import { type GroupPart, addedChild, checkParts, childrenOf } from './group-run.ts'
import { checkNames, listOf } from './list-of.ts'
import { RUN_OPTIONS, type RunOptions, resolveRun } from './run-options.ts'
import { Supervisor } from './supervisor.ts'
import { isInRun, removeRecord } from './tree-records.ts'

/**
 * Runs all workers as one group and settles when all have ended.
 *
 * All start at once, or when the workers in their `after` are ready; the first that fails and is not restarted, with or without
 * an error, aborts the others. Resolves when all are done, or when `signal` was aborted and every worker returned or rejected
 * because of the abort: with the signal's reason or an AbortError, directly or among its causes; with an aggregate if all its
 * errors are such. With no workers it resolves at once; with an already aborted signal no worker's body starts. Names must be
 * unique within the group.
 *
 * @throws WorkerGroupError always, even for one error: root cause first. A worker that returned on its own adds
 *   an ErrWorkerExitedPrematurely, one still running after `options.grace` a ShutdownTimeoutError.
 * @throws InvalidArgumentError, DuplicateNameError, InvalidDurationError before anything runs
 */
export async function runAllWorkers(
  workers: Iterable<Runnable>,
  signal?: AbortSignal,
  options: RunOptions = {},
): Promise<void> {
  const what = 'runAllWorkers'
  const fatal = new FatalLine(options, signal)
  await fatal.during(async () => {
    const parts = [partOf(workers, what, 'workers')]
    checkParts(parts)
    const { scope, grace, during } = resolveRun(what, checkOptions(what, options, RUN_OPTIONS), signal)
    await during(() => runGroup({ parts, signal, scope, grace, fatal }))
  })
}

/**
 * Validates workers to run as a group, or as a part of one.
 *
 * @param what the call, `list` its list: error messages begin with them
 * @param backoff for workers without a `retry` of their own
 */
export function partOf(
  workers: Iterable<Runnable>,
  what: string,
  list: string,
  backoff?: Backoff,
): GroupPart {
  const given = listOf(workers, what, list)
  const specs = given.map((runnable, at) => toChildSpec(runnable, at, `${what}: ${list}[${at}]`, backoff))
  checkNames(specs.map(({ label }) => label))
  return { what, specs }
}

export interface GroupRun {
  readonly parts: readonly GroupPart[]
  readonly signal: AbortSignal | undefined
  readonly scope: RunScope
  readonly grace: Grace
  readonly fatal: FatalLine
}

/** Runs workers as one group, beneath the current worker, if any. @throws WorkerGroupError */
export async function runGroup({ parts, signal, scope, grace, fatal }: GroupRun): Promise<void> {
  const outer = currentContext()?.record
  // Within a worker, the records beneath it are removed when this run ends.
  const root = outer ?? scope.records.root
  const name = currentName()
  const supervisor = new Supervisor({
    scope,
    record: root,
    signal,
    strategy: 'one_for_one',
    limit: undefined,
    endsWhenDone: true,
    keepsAlive: !isInRun(outer),
    children: (host) => childrenOf(host, parts, root, name),
    added: addedChild,
    onFirstFailure: (error, child) => fatal.log(error, child?.logger ?? new Context(scope, '').logger),
    onReady: () => outer === undefined && root.moveTo('ready'),
    onStop: () => {
      grace.begin()
      if (outer === undefined) root.moveTo('stopping')
      return { endsAt: grace.endsAt, onLate: 'abandon' }
    },
  })
  if (outer === undefined) root.moveTo('starting')
  const leave = outer === undefined ? warnOfLoopDelay(scope) : undefined
  await supervisor.run()
  leave?.()
  const { failures } = supervisor
  const error = failures.length > 0 ? new WorkerGroupError(failures) : undefined
  if (outer === undefined) endRoot(root, error, supervisor.isStopping)
  else for (const { record } of supervisor.children) removeRecord(record)
  if (error !== undefined) throw error
}

function endRoot(root: WorkerRecord, error: Error | undefined, wasStopped: boolean): void {
  if (error !== undefined) root.failed(error)
  else root.moveTo(wasStopped ? 'stopped' : 'done')
  for (const record of root.records.values()) record.isOver = true
}
