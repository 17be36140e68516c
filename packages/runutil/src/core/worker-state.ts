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
  /** A run of repeat or cron has ended: with `error`, it failed. */
  | { type: 'ran'; durationMs: number; error?: Error }
  /** 'gaveUp': it failed more often than its `intensity` allows; the error is a RestartLimitError. */
  | { type: 'failed' | 'gaveUp'; error: Error }
  /** `attempt`: its errors in a row, 0 after it returned. `with`: the paths of the workers that its supervisor restarts with it. */
  | { type: 'restarting'; attempt: number; delayMs: number; with: string[] }
  /** A run takes longer than `warnAfter`; no sign of life for longer than `watchdog`; not ended when its time to stop was over. */
  | { type: 'slow' | 'hung' | 'abandoned'; forMs: number }
  /** `count` starts of repeat or cron will never run. */
  | { type: 'missed'; count: number }
  /** The event loop was blocked for up to `maxMs`. `workers`: the paths of those that ran meanwhile. At the path of the root. */
  | { type: 'loopDelay'; maxMs: number; workers: string[] }

export interface RecordedError {
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly at: Date
}
