import { type Duration, toMs } from '../../core/duration.ts'
import { unexpected } from '../../core/errors.ts'
import { checkOptions } from '../../core/options.ts'
import { AsyncScope } from '../../core/async-scope.ts'

export interface ExecOptions {
  /** Rejects with its reason. A task that runs takes its worker with it: it can't be cancelled inside. */
  signal?: AbortSignal | undefined
  /** How long the task may run, from when it was given to a worker. Default: the pool's `execTimeout`. */
  timeout?: Duration | undefined
  /** Called with what the handler of a `serve` worker reports. Other workers report nothing. */
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

/** Its worker may have been started for another's task. */
function inScope(onProgress: (value: unknown) => void): (value: unknown) => void {
  const scope = new AsyncScope()
  return (value) => scope.run(() => onProgress(value))
}
