import { fileURLToPath } from 'node:url'

/** Where in a program something was called from, as far as the stack shows it. */
export interface Origin {
  /** Without a query, which loaders append when they reload a file. */
  readonly file: string | undefined
  /** As the stack has it. */
  readonly url: string | undefined
  /** As '/app/jobs.ts:12'; 'an unknown place' if the stack does not show it. */
  readonly place: string
  /** The same for all that is called before the event loop's next turn. */
  readonly turn: object
}

const FRAME = /(?:\(|at |@)((?:[a-z-]+:\/\/)?[^()@\s][^()@]*?):(\d+):\d+\)?$/
const UNKNOWN = 'an unknown place'

let turn: object | undefined

/** Where the caller of `callee` stands. */
export function originOf(callee: Function): Origin {
  const { file, url, line } = callerOf(callee)
  return { file, url, place: file === undefined ? UNKNOWN : `${file}:${line}`, turn: currentTurn() }
}

/** Whether two were called from one file that was loaded twice, as hot reloading does. */
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
