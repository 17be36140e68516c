import type { PgClient } from './pg-pool.ts'

/** As much of pg's connection as is used. */
interface Canceller {
  readonly stream: { destroy(): void; unref?(): void }
  on(event: 'connect' | 'sslconnect' | 'error', listener: () => void): void
  connect(port: number | string, host?: string): void
  requestSsl(): void
  cancel(processId: number, secretKey: unknown): void
}

/**
 * Asks the server, over a connection of its own, to stop what a client's connection runs: that of one that is only
 * slow would go on for nobody, and hold its place among the server's connections. Nobody waits for it, and it may fail.
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
    // The server ends it; where none does, it isn't what the process stays for.
    canceller.stream.unref?.()
  } catch {
    // Another driver.
  }
}
