/**
 * What a database tells of itself to the doctor. It judges nothing; each method is one question, and rejects when it gets no answer.
 */
export interface DatabaseDiagnosis {
  readonly kind: 'postgres' | 'pglite'
  /** Whether it was opened to listen to notifications. */
  readonly listens: boolean
  /** The most connections of this process's pool; undefined without one. */
  readonly maxConnections: number | undefined
  /** Sends the least statement, and waits for its answer. */
  ping(): Promise<void>
  /** What the server says of itself; its clock as of the answer. */
  server(): Promise<DatabaseServer>
  /** Compares the schema with the migrations that this version of runutil has. */
  schema(): Promise<SchemaState>
  /** Sends itself a notification. @returns whether it came within `limitMs` */
  hears(limitMs: number): Promise<boolean>
  /** The oldest open transaction of this database; undefined without one that its role may see. */
  oldestTransaction(): Promise<OpenTransaction | undefined>
  /** The tables of the schema with most dead rows. */
  deadRows(): Promise<TableRows[]>
  /** Claims of jobs whose lease expired: how many, and how long ago the first of them did; 0 without any. */
  expiredClaims(): Promise<{ readonly count: number; readonly oldestMs: number }>
  /** For how long ended jobs could have been removed, since their retention is over. */
  retentionBehindMs(): Promise<number>
  /** Kinds whose live workers have set different limits or retentions. */
  kindsWithDifferentRules(): Promise<string[]>
  /** Commands of the last hour that their process, which is still known, hasn't taken in time. */
  untakenCommands(): Promise<number>
}

/** The server that a database is on. */
export interface DatabaseServer {
  /** As numbers compare: 160003. */
  readonly version: number
  /** As it names itself: '16.3'. */
  readonly versionName: string
  /** The time of day, in ms since the epoch. */
  readonly nowMs: number
  /** The most connections of all its clients. */
  readonly maxConnections: number
}

/** What is missing in a schema, or wrong with it. */
export interface SchemaState {
  readonly schema: string
  /** The names of migrations that are to be applied; all of them where there is no schema. */
  readonly missing: readonly string[]
  /** The name of one that was applied in another form. */
  readonly changed: string | undefined
  /** Whether a version of runutil has migrated it that this one doesn't know enough of. */
  readonly isTooNew: boolean
}

/** A transaction that is open, the oldest one. */
export interface OpenTransaction {
  /** Of the process of the server that serves the connection. */
  readonly pid: number
  /** As its connection names itself; '' without a name. */
  readonly application: string
  /** 'active', 'idle in transaction' … */
  readonly state: string
  /** How long ago it began. */
  readonly ageMs: number
}

/** How many rows a table has that VACUUM has not removed yet, and how many others; as the server estimates them. */
export interface TableRows {
  readonly table: string
  readonly dead: number
  readonly live: number
}
