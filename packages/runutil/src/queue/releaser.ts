import { StoreUnavailableError } from '../core/store-unavailable-error.ts'
import type { JobStore } from './job-store.ts'
import type { ClaimedJob } from './job.ts'
import type { RunClaims } from './run-claims.ts'
import type { RunEnd } from './run-end.ts'
import type { RunLog } from './run-log.ts'
import type { StoreCalls } from './store-calls.ts'

export interface ReleaserProps {
  readonly store: { release(jobs: readonly ClaimedJob[]): ReturnType<JobStore['release']> }
  readonly calls: StoreCalls
  readonly claims: RunClaims
  readonly log: RunLog
  readonly end: RunEnd
}

/** Releases claimed jobs that weren't started. A job that can't be released becomes free when its lease expires. */
export class Releaser {
  readonly #props: ReleaserProps
  readonly #underway = new Set<Promise<void>>()

  constructor(props: ReleaserProps) {
    this.#props = props
  }

  add(jobs: readonly ClaimedJob[]): void {
    if (jobs.length === 0) return
    const release = this.#release(jobs).finally(() => this.#underway.delete(release))
    this.#underway.add(release)
  }

  /** Resolves when no release is in flight any more. */
  async finish(): Promise<void> {
    while (this.#underway.size > 0) await Promise.all(this.#underway)
  }

  async #release(jobs: readonly ClaimedJob[]): Promise<void> {
    const { store, calls, claims, log, end } = this.#props
    claims.delete(jobs)
    try {
      await calls.ask(() => store.release(jobs))
    } catch (error) {
      log.notReleased(error)
      if (!(error instanceof StoreUnavailableError)) end.fail(error)
    }
  }
}
