import type { Clock } from '../../core/clock.ts'
import type { WorkerError } from '../errors.ts'
import type { Dialect } from '../relay/handshake.ts'
import type { Message } from '../relay/message.ts'
import type { OutputSocket } from '../relay/output-socket.ts'
import type { Relay } from '../relay/relay.ts'
import type { RecycleLimitsProps } from './recycle-limits.ts'
import type { SpawnSpec } from './spawn.ts'
import type { Task, TaskLimits } from './task.ts'

/** Options of a worker. */
export interface WorkerProps<W> extends Dialect, RecycleLimitsProps, TaskLimits {
  readonly spec: SpawnSpec
  readonly relay: Relay
  /** What `relay.prepare` has made for the process. */
  readonly output: OutputSocket | undefined
  readonly handshakeMs: number
  readonly destroyMs: number
  /** How many tasks the worker is sent at once. */
  readonly pipelining: number
  /** Whether this process stays awake for short tasks. */
  readonly spin: boolean
  /** Infinity: the worker is never pinged. */
  readonly pingMs: number
  /** Infinity: idle time isn't tracked. */
  readonly idleMs: number
  readonly clock: Clock
  readonly listener: WorkerListener<W>
}

/** Notifies a worker's set of the worker's events. */
export interface WorkerListener<W> {
  line(worker: W, stream: 'stdout' | 'stderr', line: string): void
  /** A task is answered, and is to be settled with `message`. If it was the worker's last task, the worker is already ready again. */
  answered(worker: W, task: Task, message: Message): void
  /** The worker ended before it started this task. */
  returned(task: Task): void
  /** The worker has answered an overdue ping. */
  recovered(worker: W): void
  /** The worker was asked to stop, by the pool or by other code. */
  stopping(worker: W): void
  /** The worker's running task was abandoned by its caller. */
  abandoned(worker: W, why: string): void
  ended(worker: W, error: WorkerError | undefined): void
}
