import type { WorkerError } from '../errors.ts'
import { isStopRequest } from '../relay/message-reader.ts'
import type { Message } from '../relay/message.ts'
import type { EndOfWorker } from './in-flight.ts'
import type { Subprocess, Exit } from './subprocess.ts'
import { type WorkerEnd, diagnose } from './worker-end.ts'

/** Collects the reasons for a worker's end while the worker runs. */
export class Ending {
  /** The worker's fault, if one was detected before it ended. */
  failure: Error | undefined
  /** Why the worker was killed, when it was not at fault. */
  killed: string | undefined
  /** A possible reason for a failed start; '' if none is known. */
  seen = ''
  /** How many tasks the worker has answered since it asked to be replaced. */
  #answeredSinceStop: number | undefined

  answered(message: Message): void {
    if (isStopRequest(message)) this.#answeredSinceStop = 0
    else if (this.#answeredSinceStop !== undefined) this.#answeredSinceStop++
  }

  /** The consequences of the end for the worker's unanswered tasks. */
  of({ pid = 0, stderr, stdout, stdio }: Subprocess, exit: Exit, during: WorkerEnd['during']): EndOfWorker {
    const { failure, killed, seen } = this
    const facts = { pid, exit, stderr, stdout, stdio, failure, killed, seen }
    return {
      begun: this.#begun(exit),
      failure: diagnose({ ...facts, during }),
      aheadFailure: (): WorkerError => diagnose({ ...facts, during: 'ahead' }),
    }
  }

  /** Which unanswered tasks had started. A worker that asked to be replaced and exited cleanly has started none. */
  #begun({ code }: Exit): EndOfWorker['begun'] {
    if (this.#answeredSinceStop === undefined) return 'unknown'
    return this.#answeredSinceStop === 0 && code === 0 && this.failure === undefined ? 'none' : 'first'
  }
}
