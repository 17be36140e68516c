import { type Context, type Health, type HealthState, type RunScope, currentContext } from './context.ts'
import { type Worker, type WorkerFunc, callWorker } from './worker.ts'

export type { HealthState } from './context.ts'

/**
 * Reports the health of the running worker: 'ok', or 'firing' with an error. `repeat` reports after each run; a worker with
 * a loop of its own calls this once a round. Outside a named worker it does nothing.
 */
export function healthCheckpoint(error?: unknown): void {
  const context = currentContext()
  if (context !== undefined) checkpoint(context, error === undefined ? 'ok' : 'firing')
}

/** A `healthCheckpoint` of the current worker that can be called from anywhere, later. */
export function healthReporter(): (error?: unknown) => void {
  const context = currentContext()
  return (error) => {
    if (context !== undefined) checkpoint(context, error === undefined ? 'ok' : 'firing')
  }
}

/**
 * The state of every named worker of this run: 'init' until its first checkpoint, then 'ok' or 'firing'.
 *
 * A worker that failed and was restarted is 'ok' again at its next checkpoint; one that makes none, when it has run for longer
 * than the delay before its restart and longer than its previous run (at most 1 m). Names of inner groups are listed while these
 * run. The snapshot is of the caller's run, so an HTTP endpoint that serves it has to be a worker of the group; outside a run it is
 * empty.
 */
export function healthSnapshot(): Record<string, HealthState> {
  const health = currentContext()?.scope.health ?? []
  return Object.fromEntries(Array.from(health, ([name, { state }]) => [name, state]))
}

/**
 * Called by `repeat` after each run, so nothing is made when nothing has changed.
 *
 * @param spoke reported by the worker itself
 */
export function checkpoint(context: Context, state: HealthState, spoke = true): void {
  const { name } = context
  const scope = ownerOf(context)
  if (name === '' || scope.isOver) return
  const known = scope.health.get(name)
  if (state === 'ok' && known?.state === 'ok' && known.scope === scope && known.spoke) return
  scope.health.set(name, { state, scope, spoke: spoke || known?.spoke === true })
  scope.names.add(name)
}

/** The group that the worker of this name belongs to: the running code may be in a group inside of it. */
function ownerOf({ scope, name }: Context): RunScope {
  let owner = scope
  while (owner.outer?.name === name) owner = owner.outer.scope
  return owner
}

export function healthOf({ scope, name }: Context): Health | undefined {
  return scope.health.get(name)
}

/** A worker that reports nothing itself counts as well again, unless it has failed since. */
export function recovered(context: Context, failed: Health): void {
  if (healthOf(context) === failed && !failed.spoke) checkpoint(context, 'ok', false)
}

/** Removes the names of a group that has ended, but not those that another group uses by now. */
export function forgetHealth(scope: RunScope): void {
  scope.isOver = true
  for (const name of scope.names) if (scope.health.get(name)?.scope === scope) scope.health.delete(name)
}

/** The worker, known as 'init' from its start on and as 'firing' after an error. A restart hides no 'firing'. */
export function reportingHealth(worker: Worker | WorkerFunc): WorkerFunc {
  return (signal) => {
    const context = currentContext()
    if (context === undefined) return callWorker(worker, signal)
    if (healthOf(context) === undefined) checkpoint(context, 'init', false)
    return callWorker(worker, signal).catch((error: unknown) => {
      if (!signal.aborted) checkpoint(context, 'firing', false)
      throw error
    })
  }
}
