import type { Logger } from 'pino'
import { log } from '../core/log.ts'
import { UncaughtError } from './uncaught.ts'

/** Logs what ends a run, once a run. What nobody caught was logged where it was heard of. */
export function logRunFailed(logger: Logger, error: Error, signal: AbortSignal | undefined): void {
  if (signal?.reason instanceof UncaughtError) return
  log(logger, 'fatal', { err: error }, 'run failed')
}
