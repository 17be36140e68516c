import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import type { Clock } from '../core/clock.ts'
import { log } from '../core/log.ts'
import type { JobStore } from './job-store.ts'
import type { Kind } from './kind.ts'
import type { KindRules, OtherRules } from './kind-rules.ts'
import { isLimited, limitsText, sameLimits } from './limits.ts'
import { type ResolvedRetention, retentionText, sameRetention } from './retention.ts'
import { UnhandledKinds } from './unhandled-kinds.ts'

export interface WorkerRulesProps {
  readonly store: JobStore
  readonly kinds: ReadonlyMap<string, Kind>
  readonly retention: ResolvedRetention
  readonly logger: () => Logger
  readonly clock: Clock
}

/** The rules of one worker for its kinds, and those reported by others; where they differ, it warns once. */
export class WorkerRules {
  readonly #props: WorkerRulesProps
  readonly #own: ReadonlyMap<string, KindRules>
  readonly #worker = `${hostname()} ${process.pid} ${randomUUID().slice(0, 8)}`
  readonly #warned = new Set<string>()
  readonly #unhandled: UnhandledKinds
  #limited = true
  #rated = true

  constructor(props: WorkerRulesProps) {
    this.#props = props
    const { kinds, retention } = props
    this.#unhandled = new UnhandledKinds(props)
    this.#own = new Map([...kinds].map(([kind, { limits }]) => [kind, { limits, retention }]))
  }

  /** Whether any of its kinds has limits, here or elsewhere, as of the last renewal. */
  get limited(): boolean {
    return this.#limited
  }

  /** Whether any of its kinds has a rate, here or elsewhere, as of the last renewal. */
  get rated(): boolean {
    return this.#rated
  }

  async publish(): Promise<void> {
    const others = await this.#props.store.setRules(this.#worker, this.#own)
    const all = [...this.#own.values(), ...others]
    this.#limited = all.some(({ limits }) => isLimited(limits))
    this.#rated = all.some(({ limits }) => limits.rate !== undefined)
    for (const other of others) this.#warn(other)
    await this.#unhandled.check()
  }

  async withdraw(): Promise<void> {
    await this.#props.store.setRules(this.#worker, new Map())
  }

  #warn({ kind, worker, ...theirs }: OtherRules): void {
    const ours = this.#own.get(kind)!
    const difference = differenceOf(ours, theirs)
    // Once for many equal differences.
    if (this.#warned.has(`${kind} ${difference}`)) return
    this.#warned.add(`${kind} ${difference}`)
    const text = `kind '${kind}' has other options in worker '${worker}': ${difference}`
    log(this.#props.logger(), 'warn', { kind, otherWorker: worker, ours, theirs }, text)
  }
}

function differenceOf(ours: KindRules, theirs: KindRules): string {
  const parts: string[] = []
  if (!sameLimits(ours.limits, theirs.limits)) {
    parts.push(`${limitsText(ours.limits)} here, ${limitsText(theirs.limits)} there, both hold`)
  }
  if (!sameRetention(ours.retention, theirs.retention)) {
    const here = retentionText(ours.retention)
    const there = retentionText(theirs.retention)
    parts.push(`retention ${here} here, ${there} there, the longer holds`)
  }
  return parts.join('; ')
}
