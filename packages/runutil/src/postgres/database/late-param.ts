import type { PgliteQueryOptions } from './pglite.ts'

/** A parameter that is read when its statement is sent, not while the statement waits for a connection. */
export class LateParam {
  readonly #read: () => string

  constructor(read: () => string) {
    this.#read = read
  }

  /** Called by the driver. */
  toPostgres(): string {
    return this.#read()
  }
}

/** PostgreSQL's type of a parameter that is cast from text. */
const TEXT = 25

/** For PGlite, which calls the serializer of a parameter's type when it sends a statement. Empty without late parameters. */
export function serializersOf(params: readonly unknown[]): Pick<PgliteQueryOptions, 'serializers'> {
  if (!params.some((param) => param instanceof LateParam)) return {}
  return {
    serializers: { [TEXT]: (value) => (value instanceof LateParam ? value.toPostgres() : String(value)) },
  }
}
