import type { JobStatus } from './job.ts'
import { type KindRules, type OtherRules, RULES_TTL_MS } from './kind-rules.ts'
import { type LimitsInForce, isLimited, limitsTogether, sameLimits } from './limits.ts'
import { type ResolvedRetention, longestRetention, sameRetention } from './retention.ts'

interface WorkerEntry {
  renewedAt: number
  readonly kinds: ReadonlyMap<string, KindRules>
}

/** The rules of all workers, by kind. A worker's rules expire `RULES_TTL_MS` after it last set them. */
export class MemoryRules {
  readonly #workers = new Map<string, WorkerEntry>()

  set(worker: string, kinds: ReadonlyMap<string, KindRules>, now: number): void {
    if (kinds.size === 0) this.#workers.delete(worker)
    else this.#workers.set(worker, { renewedAt: now, kinds: new Map(kinds) })
  }

  /** After the store's clock was set. */
  move(byMs: number): void {
    for (const entry of this.#workers.values()) entry.renewedAt += byMs
  }

  /** The rules of other workers for these kinds where they differ; of several equal ones, the first. */
  others(worker: string, kinds: ReadonlyMap<string, KindRules>, now: number): OtherRules[] {
    const found: OtherRules[] = []
    for (const [other, entry] of this.#live(now)) {
      for (const [kind, rules] of entry.kinds) {
        if (other === worker || !kinds.has(kind) || !differs(rules, kinds.get(kind)!)) continue
        if (found.some((one) => one.kind === kind && !differs(one, rules))) continue
        found.push({ worker: other, kind, limits: rules.limits, retention: rules.retention })
      }
    }
    return found
  }

  limits(kind: string, now: number): LimitsInForce {
    return limitsTogether(this.#of(kind, now).map(({ limits }) => limits))
  }

  limitedKinds(now: number): string[] {
    const kinds = this.#live(now).flatMap(([, entry]) => [...entry.kinds])
    return kinds.filter(([, { limits }]) => isLimited(limits)).map(([kind]) => kind)
  }

  /** How long an ended job is kept; Infinity where no worker has rules for its kind. */
  keptMs(now: number): (job: { readonly kind: string; readonly status: JobStatus }) => number {
    const retentions = this.#retentions(now)
    return ({ kind, status }) => {
      const { doneMs = Infinity, failedMs = Infinity } = retentions.get(kind) ?? {}
      return status === 'DONE' ? doneMs : failedMs
    }
  }

  #retentions(now: number): Map<string, ResolvedRetention> {
    return new Map(
      [...this.#kinds(now)].map((kind) => [
        kind,
        longestRetention(this.#of(kind, now).map(({ retention }) => retention)),
      ]),
    )
  }

  /** The kinds of due jobs that no worker has rules for. */
  unhandled(waiting: Iterable<{ kind: string; runAt: number }>, now: number): string[] {
    const handled = this.#kinds(now)
    const due = Array.from(waiting).filter(({ kind, runAt }) => runAt <= now && !handled.has(kind))
    return [...new Set(due.map(({ kind }) => kind))].sort().slice(0, 100)
  }

  /** The kinds that some worker has rules for. */
  #kinds(now: number): ReadonlySet<string> {
    return new Set(this.#live(now).flatMap(([, { kinds }]) => [...kinds.keys()]))
  }

  #of(kind: string, now: number): KindRules[] {
    return this.#live(now).flatMap(([, { kinds }]) => kinds.get(kind) ?? [])
  }

  #live(now: number): [worker: string, entry: WorkerEntry][] {
    for (const [worker, { renewedAt }] of this.#workers) {
      if (renewedAt <= now - RULES_TTL_MS) this.#workers.delete(worker)
    }
    return [...this.#workers]
  }
}

function differs(a: KindRules, b: KindRules): boolean {
  return !sameLimits(a.limits, b.limits) || !sameRetention(a.retention, b.retention)
}
