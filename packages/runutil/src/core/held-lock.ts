import { closeSync, existsSync, futimesSync, openSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { setBackgroundInterval } from './background-interval.ts'
import { brandError } from './brand.ts'
import { systemClock } from './clock-system.ts'
import type { Clock, Timer } from './clock.ts'
import type { Claim } from './lock-claim.ts'
import { toError } from './thrown.ts'

/** The time between two renewals. */
const RENEW_MS = 2_000
/** After a longer pause the holder checks that it still has the lock. Other processes wait for 15 s. */
const GAP_MS = 10_000

export interface HeldLockProps {
  readonly path: string
  readonly what: string
  readonly claim: Claim
  readonly clock: Clock
}

/** Another process has taken over this process's lock, because this one was suspended for too long or its lock file was removed. */
export class LockLostError extends Error {
  readonly code = 'ERR_LOCK_LOST'
  static {
    brandError(this, 'LockLostError')
  }
  constructor(what: string, cause?: unknown) {
    super(
      `${what}: this process was suspended for so long that another took it over, or its lock file was removed; ` +
        'this process no longer writes to it; restart it',
      { cause },
    )
  }
}

/** held ─► lost, or held ─► released. Renewal touches the open file, so it never renews the claim of a successor. */
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
   * Call it before each use of the locked resource. Does no I/O unless this process was suspended for over 10 s.
   *
   * @throws LockLostError once the lock is lost
   */
  assertHeld(): void {
    if (this.#lost === undefined && this.#released === undefined) {
      const { elapsed, now } = this.#moment()
      // One of the two clocks may have stopped while the machine slept.
      if (Math.max(elapsed - this.#renewed.elapsed, now - this.#renewed.now) > GAP_MS) this.#renew()
    }
    if (this.#lost !== undefined) throw this.#lost
  }

  /** Releases once: by a second call, another process may hold the lock. */
  release(): Promise<void> {
    return (this.#released ??= this.#release())
  }

  async #release(): Promise<void> {
    this.#renewing.clear()
    if (this.#lost === undefined) this.#renew()
    closeSync(this.#file)
    if (this.#lost === undefined) await rm(this.#props.path, { force: true })
  }

  /** Renews first, then checks for a takeover; a process that takes over does the opposite. */
  #renew(): void {
    try {
      const seconds = this.#props.clock.now() / 1000
      futimesSync(this.#file, seconds, seconds)
      if (!this.#isOurs()) this.#lose()
      else this.#renewed = this.#moment()
    } catch (error) {
      // A volume may be unavailable for a moment, but not for so long that another process may have taken over.
      const { elapsed } = this.#moment()
      if (elapsed - this.#renewed.elapsed > GAP_MS) this.#lose(toError(error))
    }
  }

  #isOurs(): boolean {
    const { path, claim } = this.#props
    // Reopened, so that network file systems ask their server.
    return (
      existsSync(path) && readFileSync(path, 'utf8').includes(claim.id) && !existsSync(`${path}.${claim.id}`)
    )
  }

  #lose(cause?: Error): void {
    this.#renewing.clear()
    this.#lost = new LockLostError(this.#props.what, cause)
  }

  /** `elapsed()` is constant within a turn of the event loop, but the process may be suspended within one. */
  #moment(): { elapsed: number; now: number } {
    const { clock } = this.#props
    return { elapsed: clock === systemClock ? performance.now() : clock.elapsed(), now: clock.now() }
  }
}
