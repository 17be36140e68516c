import { type Job, type WorkerFunc, currentRun, healthCheckpoint, workerReady } from 'runutil'
import type { VirtualClock } from 'runutil/testing'
import type { Leaf, Life, Repeat } from './program.ts'
import type { Recorder } from './recorder.ts'
import type { Body, JobRun } from './trace.ts'

/** An error that `retryIf` does not retry. */
export class FatalError extends Error {}

/** A worker that behaves differently in each run, as the program says. */
export function leafWorker(
  { lives }: Leaf,
  clock: VirtualClock,
  begin: (signal: AbortSignal) => Body,
  recorder: Recorder,
): WorkerFunc {
  let starts = 0
  return (signal) => {
    const body = begin(signal)
    const life = lives[starts++ % lives.length]!
    return live(life, clock, signal, () => {
      body.ready ??= recorder.next()
      workerReady()
    }).then(
      () => recorder.ended(body, undefined),
      (error: unknown) => {
        recorder.ended(body, { error })
        throw error
      },
    )
  }
}

function live(life: Life, clock: VirtualClock, signal: AbortSignal, sayReady: () => void): Promise<void> {
  const { readyMs, livesMs, throws, isFatal, signsMs, stopMs, stopThrows } = life
  return new Promise((resolve, reject) => {
    const timers: { clear(): void }[] = []
    const end = (error: Error | undefined): void => {
      for (const timer of timers) timer.clear()
      signal.removeEventListener('abort', stop)
      if (error === undefined) resolve()
      else reject(error)
    }
    const later = (ms: number, callback: () => void): void => void timers.push(clock.setTimeout(callback, ms))
    const signEvery = (ms: number): void =>
      later(ms, () => {
        healthCheckpoint()
        signEvery(ms)
      })
    const stop = (): void => {
      for (const timer of timers.splice(0)) timer.clear()
      const error =
        stopThrows === 'the reason' ? (signal.reason as Error) : stopThrows && new Error('could not stop')
      if (stopMs === 0) end(error)
      else if (stopMs < Infinity) later(stopMs, () => end(error))
    }
    signal.addEventListener('abort', stop)
    if (readyMs === 0) sayReady()
    else if (readyMs !== undefined) later(readyMs, sayReady)
    if (signsMs !== undefined) signEvery(signsMs)
    const exit = (): void => end(throws ? new (isFatal ? FatalError : Error)('exit') : undefined)
    if (livesMs === 0) exit()
    else if (livesMs !== undefined) later(livesMs, exit)
  })
}

/** A job for `repeat` that takes a while and may fail. */
export function repeatJob(
  { jobs }: Repeat,
  clock: VirtualClock,
  current: () => Body,
  recorder: Recorder,
): Job['runOnce'] {
  let runs = 0
  return (signal) => {
    const { takesMs, throws, heedsAbort } = jobs[runs++ % jobs.length]!
    const { scheduledFor, missed } = currentRun()!
    const start = recorder.next()
    const run: JobRun = {
      body: current(),
      start,
      scheduledFor: scheduledFor.getTime(),
      missed,
      end: undefined,
    }
    recorder.jobs.push(run)
    return new Promise((resolve, reject) => {
      const end = (): void => {
        timer.clear()
        signal.removeEventListener('abort', end)
        run.end = recorder.next()
        if (throws && !signal.aborted) reject(new Error('job failed'))
        else resolve()
      }
      if (heedsAbort) signal.addEventListener('abort', end)
      const timer = clock.setTimeout(end, takesMs)
    })
  }
}
