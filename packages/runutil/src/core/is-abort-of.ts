import { causesOf } from './causes.ts'
import { codeOf } from './thrown.ts'

/** What fetch, Node, axios, got and node-fetch call the error with which an abort ends what they do. */
const NAMES = new Set<unknown>(['AbortError', 'CanceledError'])
const CODES = new Set<unknown>(['ABORT_ERR', 'ERR_CANCELED', 'ERR_ABORTED'])

/** More than that is no chain of causes. Of getters far fewer: one that makes a new cause each time has no end. */
const MOST = 200_000
const MOST_GETTERS = 100
const DEEPEST = 100

/**
 * Whether `error` says that something has ended by the abort of `signal`: it is the signal's reason or what a library
 * throws for an abort, one of its causes is, or all that it collects are. False while the signal isn't aborted, whatever
 * the error is called. Never throws.
 */
export function isAbortOf(signal: AbortSignal, error: unknown): boolean {
  return signal.aborted && new Look(signal.reason).isAbort(error, 0)
}

class Look {
  readonly #reason: unknown
  /** Of those that are being looked at, and so of a circle: false. */
  readonly #known = new Map<object, boolean>()
  #getters = 0

  constructor(reason: unknown) {
    this.#reason = reason
  }

  /** Along the causes, however many: down into collected errors only. */
  isAbort(error: unknown, depth: number): boolean {
    const path: object[] = []
    const result = this.#follow(error, depth, path)
    for (const one of path) this.#known.set(one, result)
    return result
  }

  #follow(error: unknown, depth: number, path: object[]): boolean {
    for (let at = error; ;) {
      if (at === this.#reason || isNamedSo(at)) return true
      if (typeof at !== 'object' || at === null) return false
      const known = this.#known.get(at)
      if (known !== undefined) return known
      if (this.#known.size >= MOST || this.#getters >= MOST_GETTERS) return false
      this.#known.set(at, false)
      path.push(at)
      const { cause, errors, isPlain } = causesOf(at)
      if (!isPlain) this.#getters++
      if (errors.length > 0) return depth < DEEPEST && errors.every((one) => this.isAbort(one, depth + 1))
      at = cause
    }
  }
}

function isNamedSo(error: unknown): boolean {
  return CODES.has(codeOf(error)) || NAMES.has(nameIn(error))
}

function nameIn(error: unknown): unknown {
  try {
    return (error as { name?: unknown } | undefined)?.name
  } catch {
    return undefined
  }
}
