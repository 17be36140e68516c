import type { State } from './read-model.ts'

/** A worker that holds a lease, as far as its process has told. */
export interface LeaseHolder {
  readonly replica: string
  /** Its path in the tree of that process. */
  readonly worker: string
}

/** The holders of all leases in these trees, by lease and fence. */
export function holdersIn(states: readonly State[]): Map<string, LeaseHolder> {
  const holders = new Map<string, LeaseHolder>()
  for (const { replica, workers } of states) {
    for (const [worker, { detail }] of Object.entries(workers)) {
      const { lease, held, fence } = (detail ?? {}) as { lease?: unknown; held?: unknown; fence?: unknown }
      if (held === true) holders.set(leaseKey(String(lease), Number(fence)), { replica, worker })
    }
  }
  return holders
}

export function leaseKey(lease: string, fence: number): string {
  return `${fence} ${lease}`
}
