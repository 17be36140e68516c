import type { IncomingMessage } from 'node:http'
import type { Coordinate } from '../coordinate/model.ts'
import type { Action } from '../dispatch/action.ts'
import type { ActionPage, ListedActions } from '../dispatch/action-listing.ts'
import type { ActionQuery } from '../dispatch/action-query.ts'
import type { LeaseStore } from '../leases/lease-store.ts'
import type { JobQueue } from '../queue/job-queue.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { Role } from './access/caller.ts'
import type { DatabaseDiagnosis } from './doctor/database-diagnosis.ts'
import type { ReplicaStore } from './replicas/replica-store.ts'

/** What part of a job is shown. */
export type ShownPart = 'payload' | 'result' | 'error'

/** Metrics in the format of Prometheus, as `exposition()` gives them. */
export interface MetricsText {
  (): Promise<string>
  /** The same, to be sent one after another. */
  pieces?(): Promise<readonly string[]>
}

/** Options of an `OpsServer`. */
export interface OpsOptions {
  /** The name or address of this machine to listen on. Default '127.0.0.1'. */
  host?: string | undefined
  /** 0: any free port. Default 8090. */
  port?: number | undefined
  /** Where everything is served. The probes are at '/' too. Default '/'. */
  basePath?: string | undefined
  /** What the doctor asks of the database: `new PostgresDiagnosis(database)`. */
  database?: DatabaseDiagnosis | undefined
  /** Shows its kinds and jobs, and lets operators change them. Default: none are shown. */
  queue?: JobQueue | undefined
  /** Shows its work specs, units and attempts. Default: none are shown. */
  coordinate?: Coordinate | undefined
  /** Shows the actions of these. Default: none are shown. */
  dispatch?: AnyManager | readonly AnyManager[] | undefined
  /** Shows the leases of this store. Default: none are shown. */
  leases?: LeaseStore | undefined
  /** Where replicas see each other, and pass on commands. Default: this process alone. */
  replicas?: ReplicaStore | undefined
  /** The run to show. Default: the run that the server is a worker of. */
  runtime?: Runtime | undefined
  /** Whoever has one of these may read and change. Several while they are changed. Default: RUNUTIL_OPS_TOKEN of the environment. */
  token?: string | readonly string[] | undefined
  /** Whoever has this may read; then nobody may without a token. */
  readToken?: string | undefined
  /** Decides who may do what, instead of the tokens. */
  authorize?: ((request: IncomingMessage) => Role | NamedRole | PromiseLike<Role | NamedRole>) | undefined
  /** Names of hosts, beside localhost and all IP addresses, that the server may be called by. */
  allowedHosts?: readonly string[] | undefined
  /** What is shown instead of a payload, a result or the text of an error; in lists of jobs, of its first 2,000 characters. */
  redact?:
    | ((value: unknown, job: { readonly id: string; readonly kind: string }, what: ShownPart) => unknown)
    | undefined
  /** What has to work for the process to be ready, by name. Each has 1 s; its outcome is kept for 5 s. */
  checks?: Readonly<Record<string, (signal: AbortSignal) => Promise<void>>> | undefined
  /** Whether the page for operators is served, at the base path. It shows what the API answers. Default: as `api`. */
  page?: boolean | undefined
  /** Whether the API is served. Default true. Without it, only probes and metrics are left, which need no token. */
  api?: boolean | undefined
  /** What `/metrics` answers, in the format of Prometheus. */
  metrics?: MetricsText | undefined
}

/** What somebody may do, and who it is. */
export interface NamedRole {
  readonly role: Role
  /** Who it is, for the log. */
  readonly name: string
}

/** A `Manager`, whatever its inputs and outputs are. */
export interface AnyManager {
  readonly actions: {
    get(id: string): Promise<Action | undefined>
    list(query?: ActionQuery, page?: ActionPage): Promise<ListedActions>
  }
}
