/** How a worker is: `init` before its first report, then `ok`, or `firing` after an error. */
export type HealthState = 'init' | 'ok' | 'firing'

/**
 * waiting ─► starting ─► ready ⇄ paused, then stopping ─► stopped, or done, failed or abandoned. After a failure it is
 * restarting, then starting again. `hung`: it gave no sign of life for too long, or does not end.
 */
export type WorkerState =
  | 'waiting'
  | 'starting'
  | 'ready'
  | 'paused'
  | 'restarting'
  | 'stopping'
  | 'hung'
  | 'stopped'
  | 'done'
  | 'failed'
  | 'abandoned'

/** Whether a worker in this state is ready, or needs no more to be. */
export function isUp(state: WorkerState): boolean {
  return state === 'ready' || state === 'paused' || state === 'done'
}

/** A change of a worker's state, or one of its runs. */
export type WorkerChange =
  | {
      type:
        | 'waiting'
        | 'starting'
        | 'ready'
        | 'stopping'
        | 'stopped'
        | 'done'
        | 'paused'
        | 'resumed'
        | 'added'
        | 'removed'
    }
  | { type: 'ran'; durationMs: number; error?: Error }
  | { type: 'failed' | 'gaveUp'; error: Error }
  | { type: 'restarting'; attempt: number; delayMs: number; with: string[] }
  | { type: 'slow' | 'hung' | 'abandoned'; forMs: number }
  | { type: 'missed'; count: number }
  | { type: 'loopDelay'; maxMs: number; workers: string[] }

export interface RecordedError {
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly at: Date
}
