import { type Logger, pino } from 'pino'

/**
 * A pino logger that prints lines for people: `/Worker/Name message`. A service leaves it out and gets pino's JSON, which also
 * has trace ids and the stacks of errors.
 */
export function readableLogger({ time = false, print = toStdout } = {}): Logger {
  return pino({ base: null, timestamp: time }, { write: (json: string) => print(readable(json)) })
}

function toStdout(line: string): void {
  process.stdout.write(line)
}

interface LogLine {
  level: number
  time?: number
  worker?: string
  msg: string
  err?: { message: string }
  attempt?: number
  delayMs?: number
}

function readable(json: string): string {
  const { level, time, worker, msg, err, attempt, delayMs } = JSON.parse(json) as LogLine
  const parts = [
    time === undefined ? '' : new Date(time).toTimeString().slice(0, 8),
    level >= pino.levels.values['warn']! ? 'WARN' : '',
    worker ?? '',
    err === undefined ? msg : `${msg}: ${err.message}`,
    delayMs === undefined ? '' : `(attempt ${attempt}, again in ${Math.round(delayMs)} ms)`,
  ]
  return `${parts.filter((part) => part !== '').join(' ')}\n`
}
