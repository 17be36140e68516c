import type { WorkerRecord } from '../core/worker-record.ts'
import { detailOf } from './worker-records.ts'

/** The processes of a pool. */
export interface PoolCount {
  readonly record: WorkerRecord
  /** How many are in each state. */
  readonly states: ReadonlyMap<string, number>
  /** Of all of them together, in bytes; undefined: unknown. */
  readonly memory: number | undefined
}

export function poolsAmong(workers: readonly WorkerRecord[]): PoolCount[] {
  return workers
    .filter(({ kind }) => kind === 'pool')
    .map((record) => {
      const its = (detailOf(record)['processes'] ?? []) as readonly { state: string; rss?: number }[]
      const states = new Map<string, number>()
      for (const { state } of its) states.set(state, (states.get(state) ?? 0) + 1)
      const known = its.flatMap(({ rss }) => (rss === undefined ? [] : [rss]))
      const memory = known.length === 0 ? undefined : known.reduce((sum, rss) => sum + rss, 0)
      return { record, states, memory }
    })
}
