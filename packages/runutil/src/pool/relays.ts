import type { Clock } from '../core/clock.ts'
import type { PoolSettings } from './options.ts'
import { PipesRelay } from './relay/relay-pipes.ts'
import { SocketRelay } from './relay/relay-socket.ts'
import type { Relay } from './relay/relay.ts'

export function relayFor(settings: PoolSettings, clock: () => Clock): Relay {
  const { socket, handshakeMs } = settings
  if (socket === undefined) return new PipesRelay(settings)
  return new SocketRelay({ ...settings, socket, clock, silenceMs: handshakeMs })
}
