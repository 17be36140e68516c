import type { Logger } from 'pino'
import { loggable, loggableText } from './loggable.ts'
import { messageOf } from './text.ts'

/** In bytes of JSON, of a line that is about no error. */
const LONGEST_LINE = 14_000

/**
 * Writes a line as pino does. Whatever `err` carries, it has at most 16 KiB, and nothing is thrown: what can't be logged
 * ends nobody's work.
 *
 * @param facts few and short, but for `err`: whatever was thrown, or left out
 */
export function log(logger: Logger, level: 'info' | 'warn' | 'error', facts: object, message: string): void {
  try {
    if (logger.isLevelEnabled?.(level) === false) return
    if (!('err' in facts)) return logger[level](facts, loggableText(message, LONGEST_LINE))
    const text = loggableText(message)
    try {
      logger[level]({ ...facts, err: loggable(facts.err) }, text)
    } catch {
      // Of a class whose properties can't be read from a copy, or by a serializer of the caller's.
      logger[level]({ ...facts, err: { message: loggableText(messageOf(facts.err)) } }, text)
    }
  } catch {
    // Nor can the logger write anything else.
  }
}

/** A line at `warn` about an error, and no more. */
export function logWarning(logger: Logger, err: unknown, message: string): void {
  log(logger, 'warn', { err }, message)
}
