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

/** For a driver that doesn't: as they are now. */
export function paramsNow(params: readonly unknown[]): unknown[] {
  return params.map((param) => (param instanceof LateParam ? param.toPostgres() : param))
}
