import type { Finding } from '../doctor/finding.ts'
import type { WorkerNode } from '../../runtime/worker-node.ts'

/** What goes on in one process. By path, since a patch replaces lists as a whole. No field is null: the unknown is absent. */
export interface State {
  readonly at: string
  /** The id of the process. */
  readonly replica: string
  readonly workers: Readonly<Record<string, StateNode>>
  /** Of more than 1,000 workers: how many of those left out are in which state. */
  readonly folded?: Readonly<Record<string, number>>
  /** The event loop in the last seconds: delays in ms, absent while none is measured, and its busy share from 0 to 1. */
  readonly loop: { readonly p99?: number; readonly max?: number; readonly utilization: number }
  /** Bytes. */
  readonly memory: { readonly rss: number; readonly heapUsed: number; readonly external: number }
}

/** A worker, as JSON. */
export type StateNode = AsJson<Omit<WorkerNode, 'path' | 'children'>>

/** What a value is once it was written as JSON and read again. */
export type AsJson<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? readonly AsJson<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]: AsJson<T[Key]> }
      : T

/** What all replicas have in common, as of a moment. */
export interface Aged {
  readonly at: string
  /** How long ago it was asked for. */
  readonly ageMs: number
}

/** The query of a list: names of fields and their values, as in the address. */
export type Fields = Readonly<Record<string, string>>

/** What a change concerns. A worker may do anything, so its concern is all. */
export type Concern = 'jobs' | 'specs' | 'workers'

/** What can be seen. A list whose module isn't there is an OpsError 404, one whose store doesn't answer 503. */
export interface ReadModel {
  state(): State
  /** Of another process. */
  stateOf(replica: string): Promise<State & { readonly ageMs: number }>
  kinds(): Promise<Aged & { readonly kinds: readonly object[] }>
  jobs(fields: Fields): Promise<Aged & { readonly jobs: readonly object[]; readonly next?: string }>
  /** The job's fields, with payload, result and the texts of its errors. */
  job(id: string): Promise<Aged & { readonly id: string }>
  specs(fields: Fields): Promise<Aged & { readonly specs: readonly object[]; readonly next?: string }>
  units(fields: Fields): Promise<Aged & { readonly units: readonly object[]; readonly next?: string }>
  actions(fields: Fields): Promise<Aged & { readonly actions: readonly object[]; readonly next?: string }>
  leases(): Promise<Aged & { readonly leases: readonly object[] }>
  replicas(): Promise<Aged & { readonly replicas: readonly object[] }>
  doctor(): Promise<Aged & { readonly findings: readonly Finding[] }>
  /** To be called once something was changed: what is asked for from now on shows it. */
  changed(concern: Concern): void
}
