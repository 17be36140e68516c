import type { Logger } from 'pino'
import type { Clock } from '../core/clock.ts'
import { shortened } from '../core/describe.ts'
import { log } from '../core/log.ts'
import { nearest } from '../core/options.ts'
import type { JobStore } from './job-store.ts'
import type { Kind } from './kind.ts'

export interface UnhandledKindsProps {
  readonly store: JobStore
  readonly kinds: ReadonlyMap<string, Kind>
  readonly logger: () => Logger
  readonly clock: Clock
}

const WARN_EVERY_MS = 3_600_000

/** Warns, once per kind and hour, of jobs that no worker of any process handles: a misspelt kind, or a worker down. */
export class UnhandledKinds {
  readonly #props: UnhandledKindsProps
  /** When each kind was last reported. */
  readonly #warnedAt = new Map<string, number>()
  /** The unhandled kinds of the previous check; one check of delay gives a starting worker time. */
  #before: ReadonlySet<string> | undefined

  constructor(props: UnhandledKindsProps) {
    this.#props = props
  }

  /** Call periodically. The first call reports nothing. */
  async check(): Promise<void> {
    const isFirst = this.#before === undefined
    const found = isFirst ? [] : await this.#props.store.unhandledKinds()
    for (const kind of found) if (this.#before?.has(kind)) this.#warn(kind)
    this.#before = new Set(found)
  }

  #warn(kind: string): void {
    const { kinds, logger, clock } = this.#props
    const now = clock.elapsed()
    if (now - (this.#warnedAt.get(kind) ?? -Infinity) < WARN_EVERY_MS) return
    this.#warnedAt.set(kind, now)
    const near = nearest(kind, [...kinds.keys()])
    const hint = near === undefined ? '' : `; did you mean '${near}'?`
    const text = `jobs of kind '${shortened(kind)}' wait, but no worker has a handler for it${hint}`
    log(logger(), 'warn', { kind: shortened(kind) }, text)
  }
}
