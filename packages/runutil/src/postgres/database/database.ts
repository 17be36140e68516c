import type { Queryable } from '../../core/queryable.ts'

/** A statement, with `$1` for its first parameter. */
export interface Statement {
  /**
   * The name under which the statement is prepared, once per connection, where the driver can. Each text needs its own
   * name, so each schema too. At most 63 bytes. Without one, the statement is planned each time.
   */
  readonly name?: string | undefined
  /** SQL, with `$1`, `$2` … for the parameters. */
  readonly text: string
  /**
   * Sent by a loop, which will try again: a transient error of the server, such as a timeout, is a StoreUnavailableError
   * then. Default false: the caller gets the server's error.
   */
  readonly repeats?: boolean | undefined
}

/** How long a statement may take. */
export interface QueryOptions {
  /**
   * How long the server may take to answer a statement, in ms. After that, the connection is destroyed and the statement
   * rejects with a StoreUnavailableError. Default: no limit. Ignored for an embedded database.
   */
  readonly limitMs?: number | undefined
}

/** How long a statement may take, and on which connection it runs. */
export interface StatementOptions extends QueryOptions {
  /**
   * Sends it on a connection reserved for such statements, so that a caller that holds all pooled connections doesn't
   * block them: claims; renewals and what is as urgent. Default: on any pooled connection.
   */
  readonly reserved?: 'claims' | 'renewals' | undefined
}

/** A running transaction. It ends with its body; used later, it rejects. */
export interface Transaction extends Queryable {
  /** Runs several statements, separated by semicolons; $$ bodies are allowed, parameters aren't. */
  script(text: string): Promise<void>
}

/**
 * A PostgreSQL, on a server or embedded. Made by `openDatabase`.
 *
 * Each method rejects with a StoreUnavailableError when the server can't be reached or the connection breaks, with a
 * DatabaseRefusedError when the server refuses the connection, with a DatabaseClosedError after `close`, and with the
 * driver's own error for everything else. An embedded one stops permanently when the disk is full (DatabaseFullError), when
 * PostgreSQL crashes in it (DatabasePanicError) and when another process has taken over its folder (LockLostError): from
 * then on each call rejects with that error. A statement that may have taken effect is never retried here.
 *
 * Values come as the driver makes them: a bigint is a string, a number or a bigint, a bytea a Uint8Array.
 */
export interface Database extends AsyncDisposable {
  /** 'pglite' for an embedded database. */
  readonly kind: 'postgres' | 'pglite'
  /** Whether `listen` receives notifications; else callers have to poll. */
  readonly listens: boolean
  /** The most connections of its pool; undefined without one. */
  readonly maxConnections?: number | undefined
  /** Runs one statement. Each row is an array of its columns. */
  query<Row extends unknown[]>(
    statement: Statement,
    params?: readonly unknown[],
    options?: StatementOptions,
  ): Promise<Row[]>
  /**
   * Commits when `body` resolves, rolls back when it rejects. All of it runs on one connection, read committed.
   * Use only `tx` within `body`: an embedded database has one connection, and would deadlock with itself.
   *
   * @param options limitMs: for each of its statements
   * @throws TransactionRolledBackError when `body` resolved although a statement of it had failed
   */
  transaction<T>(body: (tx: Transaction) => Promise<T>, options?: QueryOptions): Promise<T>
  /**
   * Calls back for each notification on a channel, with its payload; also with '' after each reconnection, since some may
   * have been missed. Resolves once it listens. Does nothing where `listens` is false.
   *
   * @returns removes the callback
   * @throws InvalidArgumentError for a channel that isn't 1 to 63 bytes long
   */
  listen(channel: string, callback: (payload: string) => void): Promise<() => Promise<void>>
  /**
   * Ends the connections that it has opened itself; the caller's pool or PGlite stays open. Running statements have 5 s to
   * end. Safe to call again. `await using` calls it at the end of a block.
   */
  close(): Promise<void>
}
