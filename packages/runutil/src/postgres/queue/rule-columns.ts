import type { KindRules, OtherRules } from '../../queue/kind-rules.ts'
import { plainArray, textArray } from '../statements/array-literal.ts'

/** Parameters of `set_job_rules`. */
export function ruleColumns(kinds: ReadonlyMap<string, KindRules>): unknown[] {
  const limits = [...kinds.values()].map((rules) => rules.limits)
  const retentions = [...kinds.values()].map(({ retention }) => retention)
  return [
    textArray([...kinds.keys()]),
    plainArray(limits.map(({ concurrency }) => concurrency)),
    plainArray(limits.map(({ keyConcurrency }) => keyConcurrency)),
    plainArray(limits.map(({ rate }) => rate?.limit)),
    plainArray(limits.map(({ rate }) => rate?.perMs)),
    plainArray(retentions.map(({ doneMs }) => doneMs)),
    plainArray(retentions.map(({ failedMs }) => failedMs)),
  ]
}

/** What `set_job_rules` returns. */
export type RuleRow = [
  worker: string,
  kind: string,
  concurrency: number | null,
  keyConcurrency: number | null,
  rateLimit: number | null,
  ratePerMs: number | null,
  doneMs: number,
  failedMs: number,
]

export function toOtherRules(row: RuleRow): OtherRules {
  const [worker, kind, concurrency, keyConcurrency, limit, perMs, doneMs, failedMs] = row
  return {
    worker,
    kind,
    limits: {
      concurrency: concurrency ?? undefined,
      keyConcurrency: keyConcurrency ?? undefined,
      rate: limit === null ? undefined : { limit, perMs: perMs! },
    },
    retention: { doneMs, failedMs },
  }
}
