import type { Caller } from '../access/caller.ts'

/** What came of a call: 200, or 202 for what goes on. */
export interface Done {
  readonly status: 200 | 202
  readonly body: object
}

export type WorkerVerb = 'pause' | 'resume' | 'trigger' | 'stop' | 'start' | 'restart'
export type JobVerb = 'retry' | 'cancel' | 'delete'

/** What can be changed. All throw an OpsError: 404 for what isn't there, 409 for what can't be done now. Each call is logged. */
export interface Control {
  /** @param replica the process to do it in; undefined: this one */
  worker(path: string, verb: WorkerVerb, by: Caller, replica?: string): Promise<Done>
  /** Replaces the processes of a pool. */
  pool(path: string, verb: 'reset', by: Caller, replica?: string): Promise<Done>
  job(id: string, verb: JobVerb, by: Caller): Promise<Done>
  /** Of all that match. @param asked `{ query, dryRun: true }`, or `{ query, asOf, count }` */
  jobs(verb: JobVerb, asked: unknown, by: Caller): Promise<Done>
  kind(kind: string, verb: 'pause' | 'resume', by: Caller): Promise<Done>
  /** @param spec 'namespace/name' @param asked for 'retry': which units, `{ units?: WorkUnitQuery }` */
  spec(spec: string, verb: 'pause' | 'resume' | 'retry', asked: unknown, by: Caller): Promise<Done>
}
