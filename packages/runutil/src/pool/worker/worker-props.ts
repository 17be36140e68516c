import type { Clock } from '../../core/clock.ts'
import type { WorkerError } from '../errors.ts'
import type { Dialect } from '../relay/handshake.ts'
import type { Relay } from '../relay/relay.ts'
import type { AllotmentProps } from './allotment.ts'
import type { SpawnSpec } from './spawn.ts'

/** What a pool gives a worker, and hears of it. */
export interface WorkerProps extends Dialect, AllotmentProps {
  readonly spec: SpawnSpec
  readonly relay: Relay
  readonly handshakeMs: number
  readonly destroyMs: number
  /** Infinity: it is never asked whether it is there. */
  readonly pingMs: number
  /** Infinity: nobody asks how long it has been idle. */
  readonly idleMs: number
  readonly clock: Clock
  readonly onLine: (stream: 'stdout' | 'stderr', line: string) => void
  /** It was told to stop, by the pool or by somebody else. */
  readonly onStopping: () => void
  /** It is ready for a task of the pool's again: it has done another, or has answered a ping. */
  readonly onReleased: () => void
  readonly onEnded: (error: WorkerError | undefined) => void
}
