import type { ChildProcess } from 'node:child_process'
import type { Clock } from '../../core/clock.ts'
import type { Connection, Relay } from './relay.ts'

export interface ArrivalProps {
  readonly relay: Relay
  readonly clock: Clock
  readonly handshakeMs: number
}

export interface Arriving {
  connected(connection: Connection): void
  /** The process will never connect. */
  failed(error: Error): void
}

/** Waits for a process's handshake, up to `handshakeMs`. Calls back once. @returns cancels the wait, and returns the last hint */
export function awaitArrival(
  child: ChildProcess,
  { relay, clock, handshakeMs }: ArrivalProps,
  arriving: Arriving,
): () => string {
  let hint = ''
  const limit = clock.setTimeout(() => {
    disconnect()
    const why = [hint, relay.explain(child)].filter((text) => text !== '').join('; ')
    const hints = why === '' ? '' : ` (${why})`
    arriving.failed(new Error(`expected an answer within ${handshakeMs} ms; got none${hints}`))
  }, handshakeMs)
  const disconnect = relay.connect(child, {
    connected: (connection) => {
      limit.clear()
      arriving.connected(connection)
    },
    failed: (error) => {
      limit.clear()
      arriving.failed(error)
    },
    hint: (text) => (hint = text),
  })
  return () => {
    limit.clear()
    disconnect()
    return hint
  }
}
