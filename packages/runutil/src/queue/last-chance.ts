import type { Clock, Timer } from '../core/clock.ts'

/** The longest that others wait: once for the process to be empty, and once for the job to end. */
const APART_MS = 5_000
/** The longest that others wait for its outcome to be recorded: until then, a crash of the process counts against it. */
const RECORDED_MS = 30_000

/** One run of a worker, as seen by LastChance. */
export interface Claimant {
  readonly clock: Clock
  /** Called when the run may be allowed to claim again. */
  readonly onMayClaim: () => void
}

interface Turn {
  readonly of: Claimant
  /** The job is claimed like any other, without an empty process. */
  readonly atOnce: boolean
  /** `wanted`: there is such a job, and the process must be empty first. `asked`: the claim is in flight. */
  stage: 'wanted' | 'asked' | 'held'
  /** Whether other runs have to wait. */
  isApart: boolean
}

/**
 * A process runs at most one job on its last chance, and starts nothing beside it: another job that kills the process
 * would use that chance up.
 *
 * No run claims until all jobs of the process have ended and are recorded, and then until this job has and is. Each wait is
 * limited to some seconds: where jobs take longer, they run side by side after all.
 *
 * free ─► wanted ─► asked ─► held ─► free
 */
export class LastChance {
  readonly #open: ReadonlySet<number>
  readonly #runs = new Set<Claimant>()
  #asks = 0
  #turn: Turn | undefined
  #timer: Timer | undefined

  /** @param open the claims that the process holds */
  constructor(open: ReadonlySet<number>) {
    this.#open = open
  }

  /** Whether the run may claim; if not, `onMayClaim` is called when that changes. */
  mayClaim(run: Claimant): boolean {
    this.#runs.add(run)
    if (!this.#turn?.isApart) return true
    return this.#turn.stage === 'wanted' && this.#turn.of === run && this.#isClear
  }

  /** Whether other runs wait for the last-chance job that this run wants or holds. */
  isApart(run: Claimant): boolean {
    return this.#turn?.of === run && this.#turn.isApart
  }

  /** The store has a job on its last chance that the run could claim. */
  want(run: Claimant): void {
    // A claim may be answered after its run has ended.
    if (this.#turn !== undefined || !this.#runs.has(run)) return
    this.#turn = { of: run, atOnce: false, stage: 'wanted', isApart: true }
    this.#wait()
  }

  /**
   * The run claims; `answered` must follow.
   *
   * @param atOnce whether it takes a job on its last chance like any other, beside others
   * @returns whether the claim may include one
   */
  ask(run: Claimant, atOnce: boolean): boolean {
    this.#asks++
    if (atOnce) this.#turn ??= { of: run, atOnce, stage: 'wanted', isApart: false }
    if (this.#turn?.of !== run || this.#turn.stage !== 'wanted') return false
    this.#turn.stage = 'asked'
    return true
  }

  /** @param found whether the claim included a job on its last chance */
  answered(run: Claimant, found: boolean): void {
    this.#asks--
    if (this.#turn?.of !== run || this.#turn.stage !== 'asked') return this.changed()
    if (!found) return this.#end(run)
    this.#turn.stage = 'held'
    if (this.#turn.atOnce) return
    this.#turn.isApart = true
    this.#wait()
  }

  /** The handler of a job on its last chance has ended. */
  handled(run: Claimant): void {
    if (this.isApart(run) && this.#turn?.stage === 'held') this.#wait(RECORDED_MS)
  }

  /** A claim may no longer be held. */
  changed(): void {
    if (this.#turn?.stage === 'wanted' && this.#isClear) this.#turn.of.onMayClaim()
  }

  /** The job has ended, or its run has. */
  end(run: Claimant): void {
    if (this.#turn?.of !== run) return
    const { stage } = this.#turn
    this.#end(run)
    if (stage === 'held') run.onMayClaim()
  }

  /** The run won't claim after all. */
  giveUp(run: Claimant): void {
    if (this.#turn?.of === run && this.#turn.stage === 'wanted') this.#end(run)
  }

  leave(run: Claimant): void {
    this.#runs.delete(run)
    this.end(run)
  }

  /** Ends the turn and notifies the other runs. */
  #end(run: Claimant): void {
    const waited = this.#turn?.stage === 'held' || this.#turn?.isApart
    this.#turn = undefined
    this.#timer?.clear()
    if (waited) for (const other of this.#runs) if (other !== run) other.onMayClaim()
  }

  get #isClear(): boolean {
    return this.#asks === 0 && this.#open.size === 0
  }

  #wait(ms = APART_MS): void {
    this.#timer?.clear()
    this.#timer = this.#turn?.of.clock.setTimeout(() => {
      if (this.#turn !== undefined) this.#turn.isApart = false
      this.#tell()
    }, ms)
  }

  #tell(): void {
    for (const run of this.#runs) run.onMayClaim()
  }
}
