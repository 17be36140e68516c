import { type Context, type HealthState, currentContext } from './context.ts'
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

/**
 * The state of every named worker of this run: 'init' until its first checkpoint, then 'ok' or 'firing'.
 *
 * It belongs to the run that the caller runs in, so an HTTP endpoint that serves it is a worker of the group.
 * Outside a run it is empty.
 */
export function healthSnapshot(): Record<string, HealthState> {
  return Object.fromEntries(currentContext()?.scope.health ?? [])
}

export function checkpoint(context: Context, state: HealthState): void {
  if (context.name !== '') context.scope.health.set(context.name, state)
}

/** The worker, known as 'init' from its start on and as 'firing' after an error. A restart hides no 'firing'. */
export function reportingHealth(worker: Worker | WorkerFunc): WorkerFunc {
  return (signal) => {
    const context = currentContext()
    if (context === undefined) return callWorker(worker, signal)
    const { health } = context.scope
    if (!health.has(context.name)) health.set(context.name, 'init')
    return callWorker(worker, signal).catch((error: unknown) => {
      if (!signal.aborted) checkpoint(context, 'firing')
      throw error
    })
  }
}
