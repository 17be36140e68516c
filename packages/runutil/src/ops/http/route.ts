import type { Answer } from './answer.ts'
import type { Call } from './call.ts'
import type { Access } from '../access/guard.ts'
import type { OpsServices } from './ops-services.ts'

/** A JSON schema, as in an OpenAPI document. */
export type Schema = Readonly<Record<string, unknown>>

export interface QueryField {
  readonly about: string
  readonly schema: Schema
}

/** Fields of a query that begin with one of these, and '.'. */
export interface NestedFields {
  readonly prefixes: readonly string[]
  readonly about: string
}

/** One line of the API: what is served, to whom and how. The OpenAPI document is made from it. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Relative to the base path: 'api/v1/jobs/{id}/{verb}'. A parameter is one segment, but those that `isWide` names. */
  readonly path: string
  /** The parameter that takes as many segments as there are, encoded or not. */
  readonly wide?: string
  /** Of the parameter 'verb': which there are. */
  readonly verbs?: readonly string[]
  readonly access: Access
  readonly summary: string
  readonly query?: Readonly<Record<string, QueryField>>
  readonly nested?: NestedFields
  /** Of the body, for those that take one. */
  readonly body?: Schema
  /** By status, the answers that aren't errors. */
  readonly answers: Readonly<Record<number, RouteAnswer>>
  /** What it is a part of: the options `api` and `page` switch theirs off. */
  readonly part: 'probes' | 'api' | 'page'
  handle(call: Call, services: OpsServices): Promise<Answer | undefined> | Answer | undefined
}

export interface RouteAnswer {
  readonly about: string
  readonly schema: Schema
  /** Default 'application/json'. */
  readonly type?: string
}
