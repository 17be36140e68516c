import type { LeaseStore } from '../leases/lease-store.ts'

/** What a case of `leaseConformance` is given. */
export interface LeaseContext {
  /** An empty store. */
  readonly leases: LeaseStore
  /** Advances the store's time by `ms`. */
  readonly pass: (ms: number) => Promise<void>
}

/** Sentences, and the functions that check them. */
export type LeaseCases = Record<string, (context: LeaseContext) => Promise<void>>
