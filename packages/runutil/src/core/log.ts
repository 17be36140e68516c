import type { Logger } from 'pino'
import { loggable, loggableText } from './loggable.ts'
import { messageOf } from './thrown.ts'

type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** In bytes of JSON, of a line that is about no error: its message, and its facts. */
const LONGEST_LINE = 10_000
const MOST_FACTS = 3_000
const LONGEST_FACT = 1_000

/**
 * Writes a line as pino does. Whatever `err` carries, and however long its texts are, it has at most 16 KiB, and nothing is thrown: what can't be logged
 * ends nobody's work.
 *
 * @param facts few: texts, which are cut where they are long, and numbers; and `err`: whatever was thrown, or left out
 */
export function log(logger: Logger, level: LogLevel, facts: object, message: string): void {
  try {
    if (!isLogged(logger, level)) return
    if (!('err' in facts)) return write(logger, level, shortened(facts), loggableText(message, LONGEST_LINE))
    writeError(logger, level, facts, loggableText(message))
  } catch {
    // Nor can the logger write anything else.
  }
}

/** Whether the logger, and each made from it, writes lines of this level. */
export function isLogged(logger: Logger, level: LogLevel): boolean {
  try {
    return logger.isLevelEnabled?.(level) !== false
  } catch {
    return false
  }
}

/** A line at `warn` about an error, and no more. */
export function logWarning(logger: Logger, err: unknown, message: string): void {
  log(logger, 'warn', { err }, message)
}

function writeError(logger: Logger, level: LogLevel, facts: { err: unknown }, message: string): void {
  const text = loggableText(messageOf(facts.err))
  const { err, ...rest } = facts
  const others = shortened(rest)
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

/** Names and keys may be as long as their users like. */
function shortened(facts: object): object {
  let left = MOST_FACTS
  const short = Object.entries(facts).map(([name, fact]: [string, unknown]) => {
    if (typeof fact !== 'string') return [name, fact]
    const text = loggableText(fact, Math.min(left, LONGEST_FACT))
    left -= Math.min(left, Buffer.byteLength(JSON.stringify(text)))
    return [name, text]
  })
  return Object.fromEntries(short) as object
}

function write(logger: Logger, level: LogLevel, facts: object, message: string): void {
  const answer: unknown = logger[level](facts, message)
  // Of a logger that isn't pino's; nobody waits for it.
  if (answer instanceof Promise) answer.catch(() => {})
}
