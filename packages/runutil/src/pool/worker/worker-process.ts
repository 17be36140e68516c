import { inspect } from 'node:util'
import type { Payload } from '../relay/payload.ts'
import type { WorkerExit } from './worker-end.ts'
import type { WorkerState } from './worker-state.ts'

/** A supervised process that answers one task at a time. Made by a pool, which also replaces it. */
export abstract class WorkerProcess {
  /** 0 when it could not be spawned. */
  abstract readonly pid: number
  /** `stopped` and `errored` are final. */
  abstract readonly state: WorkerState
  /** How many tasks it has answered, or failed. */
  abstract readonly numExecs: number
  /** When its state last changed. */
  abstract readonly updated: Date

  /**
   * Runs a task on this very worker, past the pool's queue.
   *
   * @throws JobError, WorkerError, WorkerStateError when it isn't ready, EmptyPayloadError, PayloadTooLargeError
   */
  abstract exec(payload: Payload | Uint8Array | string): Promise<Payload>

  /** Ends it after its task; kills it `destroyTimeout` after the call. Resolves when it has ended. */
  abstract stop(): Promise<WorkerExit>

  /** SIGKILL, at once, to the process and its group. Resolves when it has ended. */
  abstract kill(): Promise<WorkerExit>

  /** Resolves when it has ended, however; never rejects. */
  abstract wait(): Promise<WorkerExit>

  /** What is worth showing of it. */
  toJSON(): { pid: number; state: WorkerState; numExecs: number } {
    return { pid: this.pid, state: this.state, numExecs: this.numExecs }
  }

  /** What `console.log` prints of it. */
  [inspect.custom](): string {
    return `WorkerProcess ${inspect(this.toJSON())}`
  }
}
