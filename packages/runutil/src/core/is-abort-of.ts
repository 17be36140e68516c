import { causesOf } from './causes.ts'
import { codeOf } from './thrown.ts'

/** The names and codes of the abort errors of fetch, Node, axios, got and node-fetch. */
const NAMES = new Set<unknown>(['AbortError', 'CanceledError'])
const CODES = new Set<unknown>(['ABORT_ERR', 'ERR_CANCELED', 'ERR_ABORTED'])

/** A limit for generated chains of causes. Far lower for getters: one that makes a new cause each time never ends. */
const MOST = 200_000
const MOST_GETTERS = 100
const DEEPEST = 100

/**
 * Whether `error` means that something ended because `signal` aborted: it is the signal's reason or a library's abort error, or
 * one of its causes is, or all errors that it collects are. False while the signal is not aborted, whatever the error's name.
 * Never throws.
 */
export function isAbortOf(signal: AbortSignal, error: unknown): boolean {
  return signal.aborted && new AbortSearch(signal.reason).isAbort(error, 0)
}

class AbortSearch {
  readonly #reason: unknown
  /** False for an error that is being examined, and so for a circle. */
  readonly #known = new Map<object, boolean>()
  #getters = 0

  constructor(reason: unknown) {
    this.#reason = reason
  }

  /** Iterates over causes, of any number; recurses only into collected errors. */
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
