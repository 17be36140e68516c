import type { Clock } from '../../core/clock.ts'
import type { JobQueue } from '../../queue/job-queue.ts'
import type { LeaseStore } from '../../leases/lease-store.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import type { ReplicaStore } from '../replicas/replica-store.ts'
import type { DatabaseDiagnosis } from './database-diagnosis.ts'
import type { Verdict } from './finding.ts'

/** What is examined. A check whose subject isn't given is left out. */
export interface Patient {
  readonly runtime?: Runtime | undefined
  readonly database?: DatabaseDiagnosis | undefined
  readonly queue?: JobQueue | undefined
  readonly leases?: LeaseStore | undefined
  readonly replicas?: ReplicaStore | undefined
  readonly server?: ServerFacts | undefined
  readonly process: ProcessFacts
  /** That of the run. */
  readonly clock: Clock
}

/** How an OpsServer may be reached. */
export interface ServerFacts {
  /** Whether this machine may read without a token: neither `readToken` nor `authorize` is set. */
  readonly isOpen: boolean
  /** Of a server that runs: a header of a request that came through a proxy, if there was one. */
  readonly proxy?: { readonly header: string | undefined } | undefined
}

export interface ProcessFacts {
  /** Of Node: '20.19.0'. */
  readonly nodeVersion: string
  /** Whether NODE_ENV is 'production'. */
  readonly isProduction: boolean
  /** The folder of the program. */
  readonly folder: string
  /** The options of Node that the process was started with. */
  readonly nodeOptions: readonly string[]
  /** Whether classes may be decorated by `@Worker()`: of a program of functions, nobody needs decorator metadata. */
  readonly hasClasses: boolean
}

/** One line of the table of checks. */
export interface Check {
  readonly name: string
  /** Asks, and judges; undefined when what it is about isn't given. May reject, and may take any time. */
  examine(patient: Patient): Promise<Verdict | undefined> | Verdict | undefined
}
