import { machineMs } from './machine-clock.ts'
import { Observer } from './observer.ts'
import { WORTH_TELLING_MS, watchStalls } from './stall-watch.ts'
import type { Span } from './worker-process.ts'

const BETWEEN_BEATS_MS = 100

/** The least that a statement that writes has to do. */
export const PULSE = 'create table public.pulse (beats integer); insert into public.pulse values (0);'

/** Tells when this process, through which all go to the server, or the server itself was too slow to renew leases. */
export class MachineWatch {
  readonly #controller = new AbortController()
  readonly #beating: Promise<void>
  readonly #stalls: NodeJS.Timeout

  constructor(url: string, onSlow: (span: Span) => void) {
    this.#stalls = watchStalls((from, to) => onSlow({ from, to }))
    this.#beating = this.#beat(new Observer(url, this.#controller.signal), onSlow)
  }

  async stop(): Promise<void> {
    clearInterval(this.#stalls)
    this.#controller.abort()
    await this.#beating
  }

  async #beat(observer: Observer, onSlow: (span: Span) => void): Promise<void> {
    try {
      for (;;) {
        const from = Date.now()
        await observer.ask('update public.pulse set beats = beats + 1')
        const to = Date.now()
        if (to - from > WORTH_TELLING_MS) onSlow({ from, to })
        const next = machineMs() + BETWEEN_BEATS_MS
        await observer.until(() => machineMs() >= next)
      }
    } catch (error) {
      if (!this.#controller.signal.aborted) throw error
    } finally {
      await observer.close()
    }
  }
}
