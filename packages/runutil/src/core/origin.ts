import { fileURLToPath } from 'node:url'

/** The place in a program from which a function was called, as far as the stack shows it. */
export interface Origin {
  /** The file, without the query that loaders append when they reload it. */
  readonly file: string | undefined
  /** The place as in the stack. */
  readonly url: string | undefined
  /** Such as '/app/jobs.ts:12'; 'an unknown place' if the stack does not show it. */
  readonly place: string
  /** The same for all calls before the event loop's next turn. */
  readonly turn: object
}

const FRAME = /(?:\(|at |@)((?:[a-z-]+:\/\/)?[^()@\s][^()@]*?):(\d+):\d+\)?$/
const UNKNOWN = 'an unknown place'

let turn: object | undefined

/** The place from which `callee` was called. */
export function originOf(callee: Function): Origin {
  const { file, url, line } = callerOf(callee)
  return { file, url, place: file === undefined ? UNKNOWN : `${file}:${line}`, turn: currentTurn() }
}

/** Whether two calls came from one file that was loaded twice, as by hot reloading. */
export function isReloaded(older: Origin, newer: Origin): boolean {
  if (older.file === undefined || older.file !== newer.file) return false
  return older.url !== newer.url || older.turn !== newer.turn
}

function callerOf(callee: Function): { file?: string; url?: string; line?: string } {
  const trace: { stack?: unknown } = {}
  Error.captureStackTrace?.(trace, callee)
  const frames = typeof trace.stack === 'string' ? trace.stack.split('\n').slice(1) : []
  const [, url, line] = FRAME.exec(frames[0]?.trim() ?? '') ?? []
  if (url === undefined || line === undefined) return {}
  return { file: pathOf(url.replace(/[?#].*$/, '')), url, line }
}

function pathOf(url: string): string {
  try {
    return url.startsWith('file:') ? fileURLToPath(url) : url
  } catch {
    return url
  }
}

function currentTurn(): object {
  if (turn === undefined) {
    turn = {}
    setImmediate(() => (turn = undefined)).unref?.()
  }
  return turn
}
