import pino, { type Logger } from 'pino'

export interface LogLine {
  level: number
  msg: string
  worker?: string
  traceId?: string
  spanId?: string
  attempt?: number
  err?: { message: string }
}

/** A logger that keeps its lines. */
export function capturedLogger(): { logger: Logger; lines: LogLine[]; texts: string[] } {
  const texts: string[] = []
  const lines: LogLine[] = []
  const write = (text: string): void => {
    texts.push(text)
    lines.push(JSON.parse(text) as LogLine)
  }
  return { logger: pino({}, { write }), lines, texts }
}
