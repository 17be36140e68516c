import type { Clock, Timer } from '../core/clock.ts'

/** So long others wait at most: once for the process to be empty, and once for the job to end. */
const APART_MS = 5_000
/** And so long for its outcome to be recorded: until then, it counts as running if the process dies. */
const RECORDED_MS = 30_000

/** One run of a worker, as far as claims go. */
export interface Claimant {
  readonly clock: Clock
  /** It may be that it may claim now. */
  readonly onMayClaim: () => void
}

interface Turn {
  readonly of: Claimant
  /** It is claimed as any other, beside others. */
  readonly atOnce: boolean
  /** `wanted`: there is such a job, and the process is to be empty first. `asked`: the claim is on its way. */
  stage: 'wanted' | 'asked' | 'held'
  /** Whether others have to wait. */
  isApart: boolean
}

/**
 * Of the jobs that a process runs at most one is on its last chance, and nothing begins beside it: a job that kills the
 * process would end it, too.
 *
 * Nobody claims until what the process holds has ended, and then until the job has. For some seconds each: where jobs take
 * longer than that, it runs beside them, and others beside it. What has ended is to be recorded as well.
 *
 * nobody's ─► wanted ─► asked ─► held ─► nobody's
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

  /** If not, it is told when that changes. */
  mayClaim(run: Claimant): boolean {
    this.#runs.add(run)
    if (!this.#turn?.isApart) return true
    return this.#turn.stage === 'wanted' && this.#turn.of === run && this.#isClear
  }

  /** Whether others wait for what it wants or has. */
  isApart(run: Claimant): boolean {
    return this.#turn?.of === run && this.#turn.isApart
  }

  /** There is such a job that it may claim. */
  want(run: Claimant): void {
    // A claim may be answered when its run has ended.
    if (this.#turn !== undefined || !this.#runs.has(run)) return
    this.#turn = { of: run, atOnce: false, stage: 'wanted', isApart: true }
    this.#wait()
  }

  /**
   * It claims; `answered` is to follow.
   *
   * @param atOnce whether it takes such a job as any other, beside others
   * @returns whether it may get one
   */
  ask(run: Claimant, atOnce: boolean): boolean {
    this.#asks++
    if (atOnce) this.#turn ??= { of: run, atOnce, stage: 'wanted', isApart: false }
    if (this.#turn?.of !== run || this.#turn.stage !== 'wanted') return false
    this.#turn.stage = 'asked'
    return true
  }

  /** @param found whether it has got one */
  answered(run: Claimant, found: boolean): void {
    this.#asks--
    if (this.#turn?.of !== run || this.#turn.stage !== 'asked') return this.changed()
    if (!found) return this.#end(run)
    this.#turn.stage = 'held'
    if (this.#turn.atOnce) return
    this.#turn.isApart = true
    this.#wait()
  }

  /** The handler of the job has ended, if it is that job. */
  handled(run: Claimant): void {
    if (this.isApart(run) && this.#turn?.stage === 'held') this.#wait(RECORDED_MS)
  }

  /** A claim isn't held any more. */
  changed(): void {
    if (this.#turn?.stage === 'wanted' && this.#isClear) this.#turn.of.onMayClaim()
  }

  /** The job has ended, or nobody is there to run it. */
  end(run: Claimant): void {
    if (this.#turn?.of !== run) return
    const { stage } = this.#turn
    this.#end(run)
    if (stage === 'held') run.onMayClaim()
  }

  /** It won't claim, though it wanted to. */
  giveUp(run: Claimant): void {
    if (this.#turn?.of === run && this.#turn.stage === 'wanted') this.#end(run)
  }

  leave(run: Claimant): void {
    this.#runs.delete(run)
    this.end(run)
  }

  /** Tells the others. */
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
