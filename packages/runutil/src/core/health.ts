import { type Context, type Health, type HealthState, type RunScope, currentContext } from './context.ts'
import { type Worker, type WorkerFunc, callWorker } from './worker.ts'

export type { HealthState } from './context.ts'

/**
 * Says how the running worker is: 'ok', or 'firing' with an error. `repeat` says it after each run; a worker with
 * a loop of its own calls it once a round. Outside a named worker it does nothing.
 */
export function healthCheckpoint(error?: unknown): void {
  const context = currentContext()
  if (context !== undefined) checkpoint(context, error === undefined ? 'ok' : 'firing')
}

/** As `healthCheckpoint`, for the worker that runs now, whoever calls it later. */
export function healthReporter(): (error?: unknown) => void {
  const context = currentContext()
  return (error) => {
    if (context !== undefined) checkpoint(context, error === undefined ? 'ok' : 'firing')
  }
}

/**
 * The state of every named worker of this run: 'init' until its first checkpoint, then 'ok' or 'firing'.
 *
 * A worker that failed and was restarted is 'ok' again at its next checkpoint; one that makes none, when it has run for
 * longer than it had to wait, and longer than the time before (at most 1 m). Names of groups inside of it are there while these run. It
 * belongs to the run that the caller runs in, so an HTTP endpoint that serves it is a worker of the group; outside a run it
 * is empty.
 */
export function healthSnapshot(): Record<string, HealthState> {
  const health = currentContext()?.scope.health ?? []
  return Object.fromEntries(Array.from(health, ([name, { state }]) => [name, state]))
}

/**
 * Called by `repeat` after each run, so nothing is made when nothing has changed.
 *
 * @param spoke the worker says so itself
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

/** The group that the worker of that name is one of: what runs may be a group inside of it. */
function ownerOf({ scope, name }: Context): RunScope {
  let owner = scope
  while (owner.outer?.name === name) owner = owner.outer.scope
  return owner
}

export function healthOf({ scope, name }: Context): Health | undefined {
  return scope.health.get(name)
}

/** A worker that doesn't speak for itself runs well again, unless it has failed since. */
export function recovered(context: Context, failed: Health): void {
  if (healthOf(context) === failed && !failed.spoke) checkpoint(context, 'ok', false)
}

/** Its group has ended: its names are gone, but for those that another group uses by now. */
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
