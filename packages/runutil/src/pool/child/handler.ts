import type { Payload } from '../relay/payload.ts'

/** What a handler of `serve` is given beside its payload. */
export interface Tools {
  /** As the exported `reportProgress`, of this task alone: it does nothing once the task has ended. */
  readonly reportProgress: (value: unknown) => void
}

/** A context of `{"stop":true}` without a body asks the pool to replace this worker and have another do the task. */
export type Handler = (payload: Payload, tools: Tools) => Answer | PromiseLike<Answer>

export type Answer = Payload | Uint8Array | string | void
