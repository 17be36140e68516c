import type { ChildProcess } from 'node:child_process'
import type { WorkerError } from '../errors.ts'
import { type ArrivalListener, type ArrivalProps, awaitArrival } from '../relay/arrival.ts'

/** The startup of one worker, from the spawning of its process until its handshake, or its end. */
export class Startup {
  #waiting: { resolve(): void; reject(error: WorkerError): void } | undefined
  #cancel: () => string = () => ''

  get pending(): boolean {
    return this.#waiting !== undefined
  }

  /** @param child undefined, or without a pid, when it could not be spawned; its end is then reported separately */
  begin(child: ChildProcess | undefined, props: ArrivalProps, listener: ArrivalListener): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      if (child?.pid !== undefined) this.#cancel = awaitArrival(child, props, listener)
    })
  }

  succeed(): void {
    this.#waiting?.resolve()
    this.#waiting = undefined
  }

  fail(error: WorkerError): void {
    this.#waiting?.reject(error)
  }

  /** Stops waiting. @returns a possible reason for a failure; '' if none is known */
  cancel(): string {
    return this.pending ? this.#cancel() : ''
  }
}
