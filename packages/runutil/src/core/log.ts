import type { Logger } from 'pino'
import { loggable, loggableText } from './loggable.ts'
import { messageOf } from './text.ts'

type LogLevel = 'info' | 'warn' | 'error'

/** In bytes of JSON, of a line that is about no error. */
const LONGEST_LINE = 14_000

/**
 * Writes a line as pino does. Whatever `err` carries, it has at most 16 KiB, and nothing is thrown: what can't be logged
 * ends nobody's work.
 *
 * @param facts few and short, but for `err`: whatever was thrown, or left out
 */
export function log(logger: Logger, level: LogLevel, facts: object, message: string): void {
  try {
    if (logger.isLevelEnabled?.(level) === false) return
    if (!('err' in facts)) return write(logger, level, facts, loggableText(message, LONGEST_LINE))
    writeError(logger, level, facts, loggableText(message))
  } catch {
    // Nor can the logger write anything else.
  }
}

/** A line at `warn` about an error, and no more. */
export function logWarning(logger: Logger, err: unknown, message: string): void {
  log(logger, 'warn', { err }, message)
}

function writeError(logger: Logger, level: LogLevel, facts: { err: unknown }, message: string): void {
  const text = loggableText(messageOf(facts.err))
  const { err, ...others } = facts
  const tries: (() => void)[] = [
    () => write(logger, level, { ...others, err: loggable(err) }, message),
    // Of a class whose properties can't be read from a copy.
    () => write(logger, level, { ...others, err: { message: text } }, message),
    // A serializer of the caller's may expect errors of its own.
    () => write(logger, level, others, `${message}: ${text}`),
  ]
  for (const [at, attempt] of tries.entries()) {
    try {
      return attempt()
    } catch (error) {
      if (at === tries.length - 1) throw error
    }
  }
}

function write(logger: Logger, level: LogLevel, facts: object, message: string): void {
  const answer: unknown = logger[level](facts, message)
  // Of a logger that isn't pino's; nobody waits for it.
  if (answer instanceof Promise) answer.catch(() => {})
}
