import { codeOf, nameOf } from '../core/thrown.ts'

/** More would be no types: somebody makes a code or a name for each error. */
const MOST_TYPES = 100
/** As it is called by the conventions. */
const OTHER = '_OTHER'

/** What `error.type` says of errors: the code of one that has one, else its name. Never what it is about. */
export class ErrorTypes {
  readonly #known = new Set<string>()

  of(error: unknown): string {
    const type = codeOf(error) ?? nameOf(error)
    if (this.#known.has(type)) return type
    if (this.#known.size >= MOST_TYPES || !/^[\w.:$-]{1,100}$/.test(type)) return OTHER
    this.#known.add(type)
    return type
  }
}
