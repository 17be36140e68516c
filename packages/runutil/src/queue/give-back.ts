import { StoreUnavailableError } from '../core/store-unavailable-error.ts'
import type { ClaimedJob } from './job.ts'

export interface GiveBackProps {
  readonly release: (jobs: readonly ClaimedJob[]) => Promise<void>
  /** The store can't be reached, or refuses. */
  readonly onGivenUp: (error: unknown) => void
  /** The store refuses for good. */
  readonly onFailure: (error: unknown) => void
}

/** Gives claimed jobs back unstarted. What can't be given back is free when its lease has run out. */
export class GiveBack {
  readonly #props: GiveBackProps
  readonly #underway = new Set<Promise<void>>()

  constructor(props: GiveBackProps) {
    this.#props = props
  }

  add(jobs: readonly ClaimedJob[]): void {
    if (jobs.length === 0) return
    const release = this.#release(jobs).finally(() => this.#underway.delete(release))
    this.#underway.add(release)
  }

  /** Resolves when nothing is on its way back any more. */
  async finish(): Promise<void> {
    while (this.#underway.size > 0) await Promise.all(this.#underway)
  }

  async #release(jobs: readonly ClaimedJob[]): Promise<void> {
    try {
      await this.#props.release(jobs)
    } catch (error) {
      this.#props.onGivenUp(error)
      if (!(error instanceof StoreUnavailableError)) this.#props.onFailure(error)
    }
  }
}
