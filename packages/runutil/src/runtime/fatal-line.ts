import type { Logger } from 'pino'
import { log } from '../core/log.ts'
import { UncaughtError } from './uncaught.ts'

/** Logs the error that ends a run, once per run. An uncaught error has been logged already. */
export function logRunFailed(logger: Logger, error: Error, signal: AbortSignal | undefined): void {
  if (signal?.reason instanceof UncaughtError) return
  log(logger, 'fatal', { err: error }, 'run failed')
}
