import type { Clock } from '../../core/clock.ts'
import type { WorkerError } from '../errors.ts'
import type { Dialect } from '../relay/handshake.ts'
import type { Message } from '../relay/message-reader.ts'
import type { Relay } from '../relay/relay.ts'
import type { AllotmentProps } from './allotment.ts'
import type { SpawnSpec } from './spawn.ts'
import type { Task, TaskLimits } from './task.ts'

/** What a worker is made with. */
export interface WorkerProps<W> extends Dialect, AllotmentProps, TaskLimits {
  readonly spec: SpawnSpec
  readonly relay: Relay
  readonly handshakeMs: number
  readonly destroyMs: number
  /** How many tasks it is sent at once. */
  readonly pipelining: number
  /** Infinity: it is never pinged. */
  readonly pingMs: number
  /** Infinity: its idle time isn't needed. */
  readonly idleMs: number
  readonly clock: Clock
  readonly listener: WorkerListener<W>
}

/** What happens to a worker, for the set that it belongs to. */
export interface WorkerListener<W> {
  line(worker: W, stream: 'stdout' | 'stderr', line: string): void
  /** A task has its answer, and is to be settled with it. After the last one, the worker is ready again by now. */
  answered(worker: W, task: Task, message: Message): void
  /** It has ended before it began this task. */
  handedBack(task: Task): void
  /** It has answered a ping after all. */
  recovered(worker: W): void
  /** It was told to stop, by the pool or by somebody else. */
  stopping(worker: W): void
  /** The task that it runs was abandoned by its caller. */
  abandoned(worker: W, why: string): void
  ended(worker: W, error: WorkerError | undefined): void
}
