import type { ServerResponse } from 'node:http'
import type { Answer } from './answer.ts'
import type { MetricsText } from '../ops-options.ts'
import type { Control } from '../control/control.ts'
import type { ProbeAnswer } from '../probes/probes-model.ts'
import type { Fields, ReadModel } from '../views/read-model.ts'
import type { Call } from './call.ts'

/** What the routes serve. */
export interface OpsServices {
  readonly model: ReadModel
  readonly control: Control
  readonly probes: ProbeSource
  readonly streams: StreamSource
  /** Signing in and out. */
  readonly sessions: SessionCalls
  /** Undefined without the option: then there is no such route. */
  readonly metrics: MetricsText | undefined
  /** The OpenAPI document. */
  readonly document: object
}

export interface ProbeSource {
  started(): ProbeAnswer
  ready(): Promise<ProbeAnswer>
  live(): ProbeAnswer
}

export interface StreamSource {
  /**
   * Sends events until the connection is closed, from either side. Headers that were set stay.
   *
   * @param fields `watch` and `replica`
   * @throws OpsError 429; nothing was sent then
   */
  open(response: ServerResponse, fields: Fields): Promise<void>
}

export interface SessionCalls {
  /** Who calls. */
  caller(call: Call): Answer
  start(call: Call): Promise<Answer>
  end(call: Call): Answer
}
