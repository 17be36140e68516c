import pino, { type Logger } from 'pino'
import { Context, newScope, withContext } from '../../packages/runutil/src/core/context.ts'

export interface LogLine {
  level: number
  msg: string
  worker?: string
  traceId?: string
  spanId?: string
  trace_id?: string
  span_id?: string
  attempt?: number
  delayMs?: number
  count?: number
  err?: { message: string }
}

/**
 * A logger that keeps its lines, but not that the machine is busy with something else.
 *
 * @param lifecycle also keep those that every run logs: starts and ends of workers and of the run
 */
export function capturedLogger({ lifecycle = false } = {}): {
  logger: Logger
  lines: LogLine[]
  texts: string[]
} {
  const texts: string[] = []
  const lines: LogLine[] = []
  const write = (text: string): void => {
    const line = JSON.parse(text) as LogLine
    if (BUSY.test(line.msg) || (!lifecycle && LIFECYCLE.test(line.msg))) return
    texts.push(text)
    lines.push(line)
  }
  return { logger: pino({}, { write }), lines, texts }
}

const LIFECYCLE = /^(\d+ workers? )?(started|stopped|done)$|^gave up: |^run failed$/
const BUSY = /^the event loop was blocked for up to /

/** Calls `body` with this as the current logger. */
export function withLogger<T>(logger: Logger, body: () => T): T {
  return withContext(new Context(newScope({ logger }), ''), body)
}

/** The keys of a line's outermost object, including repeated ones. */
export function keysOf(text: string): string[] {
  const keys: string[] = []
  let depth = 0
  for (const [token, key] of text.matchAll(/[{[}\]]|"((?:[^"\\]|\\.)*)"(?=\s*:)|"(?:[^"\\]|\\.)*"/g)) {
    if (token === '{' || token === '[') depth++
    else if (token === '}' || token === ']') depth--
    else if (depth === 1 && key !== undefined) keys.push(key)
  }
  return keys
}
