import { log } from '../core/log.ts'
import type { Child } from './child.ts'

/** @param delayMs the delay before its restart; undefined: it isn't restarted, and was not meant to be */
export function logFailure(child: Child, err: unknown, delayMs?: number): void {
  const next = delayMs === undefined ? {} : { delayMs }
  log(child.logger, 'warn', { ...attemptOf(child), ...next, err }, 'worker failed')
}

/** Logs a failure that could have led to a restart, and does not. */
export function logLastFailure(child: Child, err: unknown): void {
  log(child.logger, 'warn', { ...attemptOf(child), err }, 'worker failed, giving up')
}

function attemptOf({ attempts }: Child): { attempt?: number } {
  return attempts === undefined ? {} : { attempt: attempts.count }
}
