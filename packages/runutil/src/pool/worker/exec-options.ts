import { type Duration, toMs } from '../../core/duration.ts'
import { unexpected } from '../../core/errors.ts'
import { checkOptions } from '../../core/options.ts'
import { AsyncScope } from '../../core/async-scope.ts'
import { SafeCallback } from '../../core/safe-callback.ts'

/** Options of one task. */
export interface ExecOptions {
  /** On abort, exec rejects with the signal's reason. If the task is running, its worker is killed, since a task can't be cancelled. */
  signal?: AbortSignal | undefined
  /** How long the task may run, from when a worker starts it. Default: the pool's `execTimeout`. */
  timeout?: Duration | undefined
  /**
   * Called with the progress that the handler of a `serve` worker reports. Other workers don't report progress. Its first error is
   * logged, and changes nothing else.
   */
  onProgress?: ((value: unknown) => void) | undefined
}

const KNOWN = ['signal', 'timeout', 'onProgress'] as const

export interface CheckedExecOptions {
  readonly signal: AbortSignal | undefined
  readonly timeoutMs: number | undefined
  readonly onProgress: ((value: unknown) => void) | undefined
}

export const NO_OPTIONS: CheckedExecOptions = {
  signal: undefined,
  timeoutMs: undefined,
  onProgress: undefined,
}

/** @throws InvalidDurationError, InvalidArgumentError */
export function checkExecOptions(options: ExecOptions): CheckedExecOptions {
  const { signal, timeout, onProgress } = checkOptions('exec', options, KNOWN)
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw unexpected('exec: signal', 'an AbortSignal', signal)
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw unexpected('exec: onProgress', 'a function (value) => void', onProgress)
  }
  return {
    signal,
    timeoutMs: timeout === undefined ? undefined : toMs(timeout, 'exec: timeout'),
    onProgress: onProgress && inScope(onProgress),
  }
}

/** Runs `onProgress` in its caller's scope: the worker may have been started in another. Its errors are logged. */
function inScope(onProgress: (value: unknown) => void): (value: unknown) => void {
  const scope = new AsyncScope()
  const callback = new SafeCallback(onProgress, 'onProgress of exec')
  return (value) => void scope.run(() => callback.call(value))
}
