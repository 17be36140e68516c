import type { PgliteQueryOptions } from './pglite.ts'

/** A parameter that is read when its statement is sent, and not while it waits for a connection. */
export class LateParam {
  readonly #read: () => string

  constructor(read: () => string) {
    this.#read = read
  }

  /** What the driver asks an object for. */
  toPostgres(): string {
    return this.#read()
  }
}

/** PostgreSQL's type of a parameter that is cast from text. */
const TEXT = 25

/** For PGlite, which asks a function of the type when it sends a statement. None where there is nothing to ask for. */
export function serializersOf(params: readonly unknown[]): Pick<PgliteQueryOptions, 'serializers'> {
  if (!params.some((param) => param instanceof LateParam)) return {}
  return {
    serializers: { [TEXT]: (value) => (value instanceof LateParam ? value.toPostgres() : String(value)) },
  }
}
