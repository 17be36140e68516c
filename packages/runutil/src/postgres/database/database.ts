import type { Queryable } from '../../core/queryable.ts'

export interface Statement {
  /**
   * A driver that can prepares the statement under this name, once a connection. One name stands for one text: what
   * differs by schema needs a name for each. At most 63 bytes. Without one, it is planned anew each time.
   */
  readonly name?: string | undefined
  readonly text: string
  /**
   * A loop sends it, and will again: what the server says in passing, such as that it took too long, is a
   * StoreUnavailableError then. Default false: an error as it is, for who called.
   */
  readonly repeats?: boolean | undefined
}

export interface QueryOptions {
  /**
   * How long the server may take to answer a statement, in ms. One that doesn't has its connection destroyed and rejects
   * with a StoreUnavailableError. Default: no limit. Nothing to an embedded database.
   */
  readonly limitMs?: number | undefined
}

export interface StatementOptions extends QueryOptions {
  /**
   * What is sent on a connection that is kept for such statements, so that whoever holds all connections of the pool
   * doesn't hold them up: claims; renewals, and what is as urgent. Default: on any of the pool's.
   */
  readonly reserved?: 'claims' | 'renewals' | undefined
}

/** A running transaction. Ends with the body that it was given to; used later, it rejects. */
export interface Transaction extends Queryable {
  /** Runs several statements, separated by semicolons, with $$ bodies and all, but without parameters. */
  script(text: string): Promise<void>
}

/**
 * A PostgreSQL, on a server or embedded. Made by `openDatabase`.
 *
 * Each method rejects with a StoreUnavailableError when the server can't be reached or the connection breaks, with a
 * DatabaseRefusedError when the server doesn't let it in, with a DatabaseClosedError after `close`, and with the
 * driver's own error for everything else. An embedded one stops for good at a full disk (DatabaseFullError), when
 * PostgreSQL breaks off in it (DatabasePanicError) and when another process has taken over its folder (LockLostError):
 * from then on each call rejects with that. Nothing that may have taken effect is tried again here.
 *
 * Values come as the driver makes them: a bigint is a string, a number or a bigint, a bytea a Uint8Array.
 */
export interface Database extends AsyncDisposable {
  readonly kind: 'postgres' | 'pglite'
  /** Whether `listen` hears notifications; else callers have to poll. */
  readonly listens: boolean
  /** Runs one statement. Each row is an array of its columns. */
  query<Row extends unknown[]>(
    statement: Statement,
    params?: readonly unknown[],
    options?: StatementOptions,
  ): Promise<Row[]>
  /**
   * Commits when `body` resolves, rolls back when it rejects. All of it runs on one connection, read committed.
   * Within `body` use `tx` alone: an embedded database has one connection, and would wait for itself.
   *
   * @param options limitMs: for each of its statements
   * @throws TransactionRolledBackError when `body` resolved although a statement of it had failed
   */
  transaction<T>(body: (tx: Transaction) => Promise<T>, options?: QueryOptions): Promise<T>
  /**
   * Calls back for each notification on a channel, with its payload; with '' after each reconnection too, since
   * some may have been missed. Resolves once it listens. Does nothing where `listens` is false.
   *
   * @returns takes the callback off again
   * @throws InvalidArgumentError for a channel that isn't 1 to 63 bytes long
   */
  listen(channel: string, callback: (payload: string) => void): Promise<() => Promise<void>>
  /**
   * Ends the connections that it opened itself; one that was handed in stays open. What still runs has 5 s to end.
   * Safe to call again. `await using` does it at the end of a block.
   */
  close(): Promise<void>
}
