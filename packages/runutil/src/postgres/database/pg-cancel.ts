import type { PgClient } from './pg-pool.ts'

/** The used part of pg's connection. */
interface Canceller {
  readonly stream: { destroy(): void; unref?(): void }
  on(event: 'connect' | 'sslconnect' | 'error', listener: () => void): void
  connect(port: number | string, host?: string): void
  requestSsl(): void
  cancel(processId: number, secretKey: unknown): void
}

/**
 * Asks the server, over a separate connection, to cancel a client's running statement, which would otherwise go on without
 * a caller and occupy a server connection. Not awaited; may fail.
 */
export function cancelRequest(client: PgClient): void {
  const { processID, secretKey, connection, host, port, ssl } = client
  const Connection = connection?.constructor as (new (config: object) => Canceller) | undefined
  if (Connection === undefined || typeof processID !== 'number' || typeof port !== 'number') return
  try {
    const canceller = new Connection({ ssl })
    const send = (): void => canceller.cancel(processID, secretKey)
    canceller.on('error', () => {})
    canceller.on('connect', () => (ssl ? canceller.requestSsl() : send()))
    canceller.on('sslconnect', send)
    if (host?.startsWith('/')) canceller.connect(`${host}/.s.PGSQL.${port}`)
    else canceller.connect(port, host)
    // The server closes it; if it doesn't, the connection mustn't keep the process alive.
    canceller.stream.unref?.()
  } catch {
    // Another driver.
  }
}
