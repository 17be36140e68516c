import type { ChildProcess } from 'node:child_process'
import type { Clock } from '../../core/clock.ts'
import type { OutputSocket } from './output-socket.ts'
import type { Connecting, Connection, Relay } from './relay.ts'

export interface ArrivalProps {
  readonly relay: Relay
  /** What `relay.prepare` has made for the process. */
  readonly output: OutputSocket | undefined
  readonly clock: Clock
  readonly handshakeMs: number
}

export interface ArrivalListener {
  connected(connection: Connection): void
  /** The process has not connected, and its connection is no longer accepted. */
  failed(error: Error): void
}

/**
 * Waits for the handshake of a process, at most `handshakeMs`, and then calls the listener once.
 *
 * @returns a function that ends the wait without a call, and returns the last hint at why there was no handshake, or ''
 */
export function awaitArrival(
  child: ChildProcess,
  { relay, output, clock, handshakeMs }: ArrivalProps,
  listener: ArrivalListener,
): () => string {
  let hint = ''
  const limit = clock.setTimeout(() => {
    disconnect()
    const why = [hint, relay.explain(child)].filter((text) => text !== '').join('; ')
    const hints = why === '' ? '' : ` (${why})`
    listener.failed(new Error(`expected an answer within ${handshakeMs} ms; got none${hints}`))
  }, handshakeMs)
  const connecting: Connecting = {
    connected: (connection) => {
      limit.clear()
      listener.connected(connection)
    },
    failed: (error) => {
      limit.clear()
      listener.failed(error)
    },
    hint: (text) => (hint = text),
  }
  const disconnect = relay.connect(child, connecting, output)
  return () => {
    limit.clear()
    disconnect()
    return hint
  }
}
