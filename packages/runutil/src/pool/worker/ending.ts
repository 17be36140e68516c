import type { WorkerError } from '../errors.ts'
import { type Message, isStopRequest } from '../relay/message-reader.ts'
import type { EndOfWorker } from './in-flight.ts'
import type { Subprocess, Exit } from './subprocess.ts'
import { type WorkerEnd, diagnose } from './worker-end.ts'

/** What is known of why a worker ends, gathered while it lives. */
export class Ending {
  /** What it did wrong, when that was found out before it ended. */
  failure: Error | undefined
  /** Why it was killed, though it did nothing wrong by itself. */
  killed: string | undefined
  /** What may explain that it didn't come up. */
  seen = ''
  /** How many tasks it has answered since it asked to be replaced. */
  #answeredSinceStop: number | undefined

  answered(message: Message): void {
    if (isStopRequest(message)) this.#answeredSinceStop = 0
    else if (this.#answeredSinceStop !== undefined) this.#answeredSinceStop++
  }

  /** What its end means to those who wait for it. */
  of({ pid = 0, stderr, stdout }: Subprocess, exit: Exit, during: WorkerEnd['during']): EndOfWorker {
    const { failure, killed, seen } = this
    const facts = { pid, exit, stderr, stdout, failure, killed, seen }
    return {
      begun: this.#begun(exit),
      failure: diagnose({ ...facts, during }),
      aheadFailure: (): WorkerError => diagnose({ ...facts, during: 'ahead' }),
    }
  }

  /** Of the tasks that it hasn't answered. One that asked to be replaced and left has begun none of them. */
  #begun({ code }: Exit): EndOfWorker['begun'] {
    if (this.#answeredSinceStop === undefined) return 'unknown'
    return this.#answeredSinceStop === 0 && code === 0 && this.failure === undefined ? 'none' : 'first'
  }
}
