import { closeSync, existsSync, futimesSync, openSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { setBackgroundInterval } from './background-interval.ts'
import { brandError } from './brand.ts'
import { systemClock } from './clock-system.ts'
import type { Clock, Timer } from './clock.ts'
import type { Claim } from './lock-claim.ts'
import { toError } from './thrown.ts'

/** Between two renewals. */
const RENEW_MS = 2_000
/** After a longer pause it checks whether the lock is still its own. Others wait for 15 s. */
const GAP_MS = 10_000

export interface HeldLockProps {
  readonly path: string
  readonly what: string
  readonly claim: Claim
  readonly clock: Clock
}

/** Another process has taken over what this one had locked, because this one was paused for too long or its lock file was removed. */
export class LockLostError extends Error {
  readonly code = 'ERR_LOCK_LOST'
  static {
    brandError(this, 'LockLostError')
  }
  constructor(what: string, cause?: unknown) {
    super(
      `${what}: this process was held up for so long that another took it over, or its lock file was removed; ` +
        'nothing more is written to it from here; start again',
      { cause },
    )
  }
}

/** held ─► lost, or held ─► released. It is renewed by the file's own time, so never a claim that has come after it. */
export class HeldLock {
  readonly #props: HeldLockProps
  readonly #file: number
  readonly #renewing: Pick<Timer, 'clear'>
  #renewed: { elapsed: number; now: number }
  #lost: LockLostError | undefined
  #released: Promise<void> | undefined

  constructor(props: HeldLockProps) {
    this.#props = props
    this.#file = openSync(props.path, 'r+')
    this.#renewed = this.#moment()
    this.#renewing = setBackgroundInterval(props.clock, () => this.#renew(), RENEW_MS)
    this.#renew()
  }

  /**
   * To be called before each use of what is locked. Costs nothing unless this process was held up for over 10 s.
   *
   * @throws LockLostError, from then on
   */
  assertHeld(): void {
    if (this.#lost === undefined && this.#released === undefined) {
      const { elapsed, now } = this.#moment()
      // Of a machine that slept, the one clock may not know.
      if (Math.max(elapsed - this.#renewed.elapsed, now - this.#renewed.now) > GAP_MS) this.#renew()
    }
    if (this.#lost !== undefined) throw this.#lost
  }

  /** Once: by the next time it may be somebody else's. */
  release(): Promise<void> {
    return (this.#released ??= this.#release())
  }

  async #release(): Promise<void> {
    this.#renewing.clear()
    if (this.#lost === undefined) this.#renew()
    closeSync(this.#file)
    if (this.#lost === undefined) await rm(this.#props.path, { force: true })
  }

  /** First it says that it lives, and then looks for who has taken it for dead; who takes over does the opposite. */
  #renew(): void {
    try {
      const seconds = this.#props.clock.now() / 1000
      futimesSync(this.#file, seconds, seconds)
      if (!this.#isOurs()) this.#lose()
      else this.#renewed = this.#moment()
    } catch (error) {
      // A volume that is away for a moment; not if it is for so long that somebody may have taken over.
      const { elapsed } = this.#moment()
      if (elapsed - this.#renewed.elapsed > GAP_MS) this.#lose(toError(error))
    }
  }

  #isOurs(): boolean {
    const { path, claim } = this.#props
    // Opened anew: network file systems then ask their server.
    return (
      existsSync(path) && readFileSync(path, 'utf8').includes(claim.id) && !existsSync(`${path}.${claim.id}`)
    )
  }

  #lose(cause?: Error): void {
    this.#renewing.clear()
    this.#lost = new LockLostError(this.#props.what, cause)
  }

  /** The clock's own word stays the same all through a turn of the event loop, in which a process may be stopped. */
  #moment(): { elapsed: number; now: number } {
    const { clock } = this.#props
    return { elapsed: clock === systemClock ? performance.now() : clock.elapsed(), now: clock.now() }
  }
}
