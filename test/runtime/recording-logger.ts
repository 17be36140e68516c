import { type Logger, pino } from 'pino'

export interface Line {
  level: number
  msg: string
  [key: string]: unknown
}

/** A real pino whose lines are kept, as text and parsed. */
export function recordingLogger(bindings: Record<string, unknown> = {}): {
  logger: Logger
  text: string[]
  lines: () => Line[]
} {
  const text: string[] = []
  const logger = pino({ base: bindings }, { write: (line: string) => void text.push(line) })
  return { logger, text, lines: () => text.map((line) => JSON.parse(line) as Line) }
}

/** The keys of a JSON line's outermost object, those that come twice twice. */
export function keysOf(json: string): string[] {
  const keys: string[] = []
  let depth = 0
  for (const [token, key] of json.matchAll(/[{[]|[}\]]|"((?:[^"\\]|\\.)*)"(?=\s*:)|"(?:[^"\\]|\\.)*"/g)) {
    if (token === '{' || token === '[') depth++
    else if (token === '}' || token === ']') depth--
    else if (depth === 1 && key !== undefined) keys.push(key)
  }
  return keys
}
