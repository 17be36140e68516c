import type { Clock } from '../../core/clock.ts'
import { currentLogger } from '../../core/context.ts'
import { linkedController } from '../../core/linked-controller.ts'
import { OutageLog } from '../../core/outage-log.ts'
import { codeOf, nameOf } from '../../core/thrown.ts'
import { fairTimeout } from '../../runtime/fair-timeout.ts'

const LIMIT_MS = 1_000
const KEPT_MS = 5_000

/**
 * Something that has to work for a process to be ready. However often and by however many it is asked, its function runs once at a
 * time, and its outcome holds for 5 s.
 */
export class ReadinessCheck {
  readonly name: string
  readonly #check: (signal: AbortSignal) => Promise<void>
  readonly #outage: OutageLog
  #outcome: { readonly failure: string | undefined; readonly at: number } | undefined
  #asked: Promise<string | undefined> | undefined
  /** Its function may go on after its limit. */
  #isRunning = false

  constructor(name: string, check: (signal: AbortSignal) => Promise<void>) {
    this.name = name
    this.#check = check
    this.#outage = new OutageLog(`pass the readiness check '${name}'`, currentLogger)
  }

  /** @returns in short why it failed, as anyone may see it; undefined if it passed */
  failure(clock: Clock): Promise<string | undefined> {
    if (this.#asked !== undefined) return this.#asked
    const known = this.#outcome
    const isKept = known !== undefined && clock.elapsed() - known.at < KEPT_MS
    if (isKept || this.#isRunning) return Promise.resolve(known!.failure)
    this.#asked = this.#ask(clock).finally(() => (this.#asked = undefined))
    return this.#asked
  }

  async #ask(clock: Clock): Promise<string | undefined> {
    const failed = await this.#tryOnce(clock)
    if (failed === undefined) this.#outage.succeeded()
    else this.#outage.failed(failed.error)
    this.#outcome = { failure: failed?.shown, at: clock.elapsed() }
    return failed?.shown
  }

  /** Runs the function for as long as it may take. */
  #tryOnce(clock: Clock): Promise<Failed | undefined> {
    const controller = linkedController()
    this.#isRunning = true
    return new Promise((resolve) => {
      const timer = fairTimeout(clock, LIMIT_MS, () => {
        const late = new Error(`no answer within ${LIMIT_MS} ms`)
        resolve({ error: late, shown: late.message })
        controller.abort(late)
      })
      void failureOf(() => this.#check(controller.signal)).then((failed) => {
        this.#isRunning = false
        timer.clear()
        resolve(failed)
      })
    })
  }
}

interface Failed {
  readonly error: unknown
  /** Not its message, which may tell what is nobody's business. */
  readonly shown: string
}

async function failureOf(check: () => Promise<void>): Promise<Failed | undefined> {
  try {
    await check()
    return undefined
  } catch (error) {
    const code = codeOf(error)
    return { error, shown: code === undefined ? nameOf(error) : `${nameOf(error)} ${code}` }
  }
}
