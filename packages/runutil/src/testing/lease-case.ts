import type { LeaseStore } from '../leases/lease-store.ts'

export interface LeaseContext {
  /** An empty one. */
  readonly leases: LeaseStore
  /** Lets so much of the store's time pass. */
  readonly pass: (ms: number) => Promise<void>
}

export type LeaseCases = Record<string, (context: LeaseContext) => Promise<void>>
