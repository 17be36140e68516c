/** The used part of a PGlite, so that users of a server don't need the types of PGlite. */
export interface Pglite {
  readonly waitReady: Promise<void>
  readonly closed: boolean
  query(text: string, params?: unknown[], options?: PgliteQueryOptions): Promise<{ rows: unknown[] }>
  exec(text: string): Promise<unknown>
  transaction<T>(body: (tx: PgliteTransaction) => Promise<T>): Promise<T>
  onNotification(callback: (channel: string, payload: string) => void): () => void
  close(): Promise<void>
}

export interface PgliteQueryOptions {
  rowMode: 'array'
  /** By the type of a parameter. */
  serializers?: Record<number, (value: unknown) => string>
}

export type PgliteTransaction = Pick<Pglite, 'query' | 'exec'>

/** Whether it is a PGlite, of any copy of the package. */
export function isPglite(value: unknown): value is Pglite {
  const { waitReady, execProtocol } = Object(value) as Record<string, unknown>
  return waitReady instanceof Promise && typeof execProtocol === 'function'
}
