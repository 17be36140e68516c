import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer } from './answer.ts'
import type { Control } from './control.ts'
import type { ProbeAnswer } from './probes-model.ts'
import type { ReadModel } from './read-model.ts'
import type { Call } from './call.ts'

/** What the routes serve. */
export interface OpsServices {
  readonly model: ReadModel
  readonly control: Control
  readonly probes: ProbeSource
  readonly streams: EventStreams
  /** Signing in and out. */
  readonly sessions: SessionCalls
  /** Undefined without the option: then there is no such route. */
  readonly metrics: (() => Promise<string>) | undefined
  /** The OpenAPI document. */
  readonly document: object
}

export interface ProbeSource {
  started(): ProbeAnswer
  ready(): Promise<ProbeAnswer>
  live(): ProbeAnswer
}

export interface EventStreams {
  /**
   * Sends events until the connection is closed, from either side.
   *
   * @throws OpsError 429
   */
  open(request: IncomingMessage, response: ServerResponse, asked: StreamRequest): Promise<void> | void
  /** Ends all of them, and accepts no more. */
  close(): void
}

export interface StreamRequest {
  /** What beside the state: 'kinds', 'replicas' … */
  readonly watch: readonly string[]
  /** Another process. */
  readonly replica?: string
}

export interface SessionCalls {
  start(call: Call): Promise<Answer>
  end(call: Call): Answer
}
