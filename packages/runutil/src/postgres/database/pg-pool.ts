/** The used part of a `pg.Pool`, so that users of PGlite don't need the types of `pg`. */
export interface PgPool {
  readonly totalCount: number
  readonly idleCount: number
  readonly waitingCount: number
  /** The class of its connections. */
  Client?: (new (options: PgPoolOptions) => NewPgClient) | undefined
  readonly options: PgPoolOptions
  readonly ending?: boolean | undefined
  connect(): Promise<PgClient>
  end(): Promise<void>
  on(event: 'error', listener: (error: Error) => void): this
  /** For each new connection, before it is handed out. */
  on(event: 'connect', listener: (client: PgClient) => void): this
  listeners(event: 'error' | 'connect'): Function[]
  emit(event: 'connect', client: NewPgClient): boolean
}

export interface PgPoolOptions {
  readonly max?: number | undefined
  /** How long it waits for a free connection. 0: forever. */
  readonly connectionTimeoutMillis?: number | undefined
  /** Prepares a new connection for use. */
  readonly onConnect?: ((client: never) => unknown) | undefined
  readonly connectionString?: string | undefined
  readonly host?: string | undefined
  readonly port?: number | undefined
}

/** A connection checked out of the pool. */
export interface PgClient {
  query(query: PgQuery): Promise<PgResult>
  on(event: 'notification', listener: (notification: PgNotification) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
  removeListener(event: 'notification' | 'error' | 'end', listener: Function): unknown
  /** @param error the pool drops the connection instead of keeping it for the next */
  release(error?: Error | boolean): void
  end?(): Promise<void>
  /** An idle connection of the store's own mustn't keep the process alive. */
  ref?(): void
  unref?(): void
  readonly connection?: PgWire | undefined
  readonly processID?: number | null
  readonly secretKey?: unknown
  readonly host?: string
  readonly port?: number
  readonly ssl?: unknown
}

/** The wire connection of `pg`. */
export interface PgWire {
  readonly stream?: { destroy(error?: Error): void } | undefined
}

/** A client outside of a pool. */
export interface NewPgClient extends PgClient {
  connect(): Promise<unknown>
  end(): Promise<void>
}

export interface PgQuery {
  name?: string | undefined
  text: string
  values?: unknown[]
  rowMode?: 'array'
}

export interface PgResult {
  readonly command: string
  readonly rows: unknown[]
}

export interface PgNotification {
  readonly channel: string
  readonly payload?: string | undefined
}

/** Whether it is a pool, of any copy of `pg`. */
export function isPgPool(value: unknown): value is PgPool {
  const { connect, query, totalCount } = Object(value) as Record<string, unknown>
  return typeof connect === 'function' && typeof query === 'function' && typeof totalCount === 'number'
}
