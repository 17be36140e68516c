import type { Clock } from '../../core/clock.ts'
import type { WorkerError } from '../errors.ts'
import type { Dialect } from '../relay/handshake.ts'
import type { Relay } from '../relay/relay.ts'
import type { SpawnSpec } from './spawn.ts'

/** What a pool gives a worker, and hears of it. */
export interface WorkerProps extends Dialect {
  readonly spec: SpawnSpec
  readonly relay: Relay
  readonly handshakeMs: number
  readonly destroyMs: number
  readonly clock: Clock
  readonly onLine: (stream: 'stdout' | 'stderr', line: string) => void
  /** It was told to stop, by the pool or by somebody else. */
  readonly onStopping: () => void
  /** It has done a task that wasn't the pool's, and is ready again. */
  readonly onReleased: () => void
  readonly onEnded: (error: WorkerError | undefined) => void
}
