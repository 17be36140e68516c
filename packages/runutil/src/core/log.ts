import type { Logger } from 'pino'
import { loggable, loggableText } from './loggable.ts'
import { messageOf } from './thrown.ts'

type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** Limits in bytes of JSON for a line without an error: its message, and its facts. */
const LONGEST_LINE = 10_000
const MOST_FACTS = 3_000
const LONGEST_FACT = 1_000

/**
 * Writes a line as pino does. The line has at most 16 KiB, whatever `err` carries. Never throws, so that a failing logger
 * stops no work.
 *
 * @param facts a few texts, which are cut if long, and numbers; and optionally `err`, the thrown value
 */
export function log(logger: Logger, level: LogLevel, facts: object, message: string): void {
  try {
    if (!isLogged(logger, level)) return
    if (!('err' in facts)) return write(logger, level, shortened(facts), loggableText(message, LONGEST_LINE))
    writeError(logger, level, facts, loggableText(message))
  } catch {
    // A failing logger must not stop work.
  }
}

/** Whether the logger, and each child of it, writes lines of this level. */
export function isLogged(logger: Logger, level: LogLevel): boolean {
  try {
    return logger.isLevelEnabled?.(level) !== false
  } catch {
    return false
  }
}

/** Logs an error at `warn`, without other facts. */
export function logWarning(logger: Logger, err: unknown, message: string): void {
  log(logger, 'warn', { err }, message)
}

function writeError(logger: Logger, level: LogLevel, facts: { err: unknown }, message: string): void {
  const text = loggableText(messageOf(facts.err))
  const { err, ...rest } = facts
  const others = shortened(rest)
  const tries: (() => void)[] = [
    () => write(logger, level, { ...others, err: loggable(err) }, message),
    // The error's class may have properties that cannot be read from a copy.
    () => write(logger, level, { ...others, err: { message: text } }, message),
    // The caller's serializer may expect its own errors.
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

/** Names and keys may have any length. */
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
  // A logger other than pino may be asynchronous; its result is not awaited.
  if (answer instanceof Promise) answer.catch(() => {})
}
