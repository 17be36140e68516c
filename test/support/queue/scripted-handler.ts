import type { ClaimedJob } from 'runutil/queue'
import { Probe } from 'runutil/testing'

export interface Call {
  readonly job: ClaimedJob
  readonly signal: AbortSignal
  readonly return: (value?: unknown) => void
  readonly throw: (error: unknown) => void
}

/** A handler whose calls end when and how a test says. */
export class ScriptedHandler {
  readonly calls = new Probe<Call>('calls')

  /** To be registered. */
  readonly handle = (job: ClaimedJob, signal: AbortSignal): Promise<unknown> =>
    new Promise((resolve, reject) => {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- handlers may throw anything
      this.calls.hit({ job, signal, return: resolve, throw: (error) => reject(error) })
    })

  /** Which jobs it was called with, in order. */
  get ids(): string[] {
    return this.calls.values.map(({ job }) => job.id)
  }

  /** The call of a job; of several, the last. */
  async call(id: string): Promise<Call> {
    for (let count = 1; ; count++) {
      const found = this.calls.values.findLast(({ job }) => job.id === id)
      if (found !== undefined) return found
      await this.calls.times(this.calls.count + 1)
    }
  }
}

/** A handler that runs until it is told to stop, and then gives up with the reason. */
export function givesUp(_: ClaimedJob, signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}
