import type { LeaseStore } from '../leases/lease-store.ts'

export interface LeaseContext {
  /** An empty store. */
  readonly leases: LeaseStore
  /** Advances the store's time by `ms`. */
  readonly pass: (ms: number) => Promise<void>
}

export type LeaseCases = Record<string, (context: LeaseContext) => Promise<void>>
