import type { Clock, Timer } from '../core/clock.ts'

/** The longest that others wait: once for the process to be empty, and once for the job to end. */
const EXCLUSIVE_MS = 5_000
/** The longest that others wait for its outcome to be recorded: until then, a crash of the process counts against it. */
const RECORDED_MS = 30_000

/** One run of a worker, as seen by LastChance. */
export interface Claimant {
  readonly clock: Clock
  /** Called when the run may be allowed to claim again. */
  readonly onMayClaim: () => void
}

interface Reservation {
  readonly of: Claimant
  /** The job is claimed like any other, without an empty process. */
  readonly immediate: boolean
  /** `requested`: there is such a job, and the process must be empty first. `claiming`: the claim is in flight. */
  stage: 'requested' | 'claiming' | 'held'
  /** Whether other runs have to wait. */
  isExclusive: boolean
}

/**
 * A process runs at most one job on its last chance, and starts nothing beside it: another job that kills the process
 * would use that chance up.
 *
 * No run claims until all jobs of the process have ended and are recorded, and then until this job has and is. Each wait is
 * limited to some seconds: where jobs take longer, they run side by side after all.
 *
 * free ─► requested ─► claiming ─► held ─► free
 */
export class LastChance {
  readonly #heldClaims: ReadonlySet<number>
  readonly #runs = new Set<Claimant>()
  #claimsInFlight = 0
  #reservation: Reservation | undefined
  #timer: Timer | undefined

  /** @param heldClaims the claims that the process holds */
  constructor(heldClaims: ReadonlySet<number>) {
    this.#heldClaims = heldClaims
  }

  /** Whether the run may claim; if not, `onMayClaim` is called when that changes. */
  mayClaim(run: Claimant): boolean {
    this.#runs.add(run)
    if (!this.#reservation?.isExclusive) return true
    return this.#reservation.stage === 'requested' && this.#reservation.of === run && this.#isClear
  }

  /** Whether other runs wait for the last-chance job that this run has requested or holds. */
  isExclusive(run: Claimant): boolean {
    return this.#reservation?.of === run && this.#reservation.isExclusive
  }

  /** The store has a job on its last chance that the run could claim. */
  request(run: Claimant): void {
    // A claim may be answered after its run has ended.
    if (this.#reservation !== undefined || !this.#runs.has(run)) return
    this.#reservation = { of: run, immediate: false, stage: 'requested', isExclusive: true }
    this.#wait()
  }

  /**
   * The run claims; `endClaim` must follow.
   *
   * @param immediate whether it takes a job on its last chance like any other, beside others
   * @returns whether the claim may include one
   */
  beginClaim(run: Claimant, immediate: boolean): boolean {
    this.#claimsInFlight++
    if (immediate) this.#reservation ??= { of: run, immediate, stage: 'requested', isExclusive: false }
    if (this.#reservation?.of !== run || this.#reservation.stage !== 'requested') return false
    this.#reservation.stage = 'claiming'
    return true
  }

  /** @param found whether the claim included a job on its last chance */
  endClaim(run: Claimant, found: boolean): void {
    this.#claimsInFlight--
    if (this.#reservation?.of !== run || this.#reservation.stage !== 'claiming') return this.changed()
    if (!found) return this.#end(run)
    this.#reservation.stage = 'held'
    if (this.#reservation.immediate) return
    this.#reservation.isExclusive = true
    this.#wait()
  }

  /** The handler of a job on its last chance has ended. */
  handled(run: Claimant): void {
    if (this.isExclusive(run) && this.#reservation?.stage === 'held') this.#wait(RECORDED_MS)
  }

  /** A claim may no longer be held. */
  changed(): void {
    if (this.#reservation?.stage === 'requested' && this.#isClear) this.#reservation.of.onMayClaim()
  }

  /** The job has ended, or its run has. */
  end(run: Claimant): void {
    if (this.#reservation?.of !== run) return
    const { stage } = this.#reservation
    this.#end(run)
    if (stage === 'held') run.onMayClaim()
  }

  /** The run won't claim after all. */
  withdraw(run: Claimant): void {
    if (this.#reservation?.of === run && this.#reservation.stage === 'requested') this.#end(run)
  }

  leave(run: Claimant): void {
    this.#runs.delete(run)
    this.end(run)
  }

  /** Ends the reservation and notifies the other runs. */
  #end(run: Claimant): void {
    const waited = this.#reservation?.stage === 'held' || this.#reservation?.isExclusive
    this.#reservation = undefined
    this.#timer?.clear()
    if (waited) for (const other of this.#runs) if (other !== run) other.onMayClaim()
  }

  get #isClear(): boolean {
    return this.#claimsInFlight === 0 && this.#heldClaims.size === 0
  }

  #wait(ms = EXCLUSIVE_MS): void {
    this.#timer?.clear()
    this.#timer = this.#reservation?.of.clock.setTimeout(() => {
      if (this.#reservation !== undefined) this.#reservation.isExclusive = false
      this.#notifyAll()
    }, ms)
  }

  #notifyAll(): void {
    for (const run of this.#runs) run.onMayClaim()
  }
}
