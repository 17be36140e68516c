import { type Backoff, checkBackoff } from '../core/backoff.ts'
import { currentClock, currentLogger } from '../core/context.ts'
import { type Job, type JobFunc, callJob, checkJob } from '../core/job.ts'
import { log } from '../core/log.ts'
import { sleep } from '../core/wait.ts'
import { restartType } from '../core/worker-kind.ts'
import { type Worker, type WorkerFunc, callWorker, checkWorker } from '../core/worker.ts'
import { Attempts } from './attempts.ts'
import { plainSpec } from './child-spec.ts'
import { carriesName, nameOf, runs } from './named.ts'
import { superviseOne } from './supervise-one.ts'

/**
 * Restarts a worker indefinitely, whether it returned or threw, until the signal aborts; then it resolves: a supervisor of one.
 *
 * An error raises the attempt number that is passed to `backoff`; a clean return resets it, and so does a run that stayed up
 * longer than the longest delay. There is always a macrotask between two runs, and a run that returns within the first delay of
 * its start is followed by the next one that delay, at least 10 ms, after it. Each failure is logged at `warn` with the worker's
 * name, `attempt` and `err`; a failing logger does not prevent a restart. A backoff that throws, or returns no valid delay, ends
 * the worker with an InvalidDurationError whose `cause` is the worker's error.
 *
 * @throws InvalidArgumentError at the call
 */
export function retry(worker: Worker | WorkerFunc, backoff: Backoff): Worker {
  checkWorker(worker, 'retry')
  checkBackoff(backoff, 'retry')
  return new RetryWorker(worker, backoff)
}

/**
 * Retries a job until it succeeds, then resolves; when the signal aborts, rejects with its reason.
 *
 * @throws InvalidArgumentError at the call
 */
export function retryJob(job: Job | JobFunc, backoff: Backoff): Job {
  checkJob(job, 'retryJob')
  checkBackoff(backoff, 'retryJob')
  return { runOnce: (signal) => retryUntilDone(job, backoff, signal) }
}

class RetryWorker implements Worker {
  readonly [carriesName] = true
  readonly [restartType] = 'permanent'
  readonly [runs]: Worker | WorkerFunc
  readonly name: string | undefined
  readonly #worker: Worker | WorkerFunc
  readonly #backoff: Backoff

  constructor(worker: Worker | WorkerFunc, backoff: Backoff) {
    this.name = nameOf(worker)
    this[runs] = this.#worker = worker
    this.#backoff = backoff
  }

  async run(signal: AbortSignal): Promise<void> {
    await superviseOne(plainSpec(this.#worker), this.#backoff, signal, this.name)
  }
}

async function retryUntilDone(job: Job | JobFunc, backoff: Backoff, signal: AbortSignal): Promise<void> {
  const clock = currentClock()
  const attempts = new Attempts(backoff, clock)
  for (;;) {
    signal.throwIfAborted()
    attempts.begin()
    const thrown = await outcomeOf(callWorker((abort) => callJob(job, abort), signal))
    if (thrown === undefined) return
    signal.throwIfAborted()
    const delayMs = attempts.ended(thrown)
    log(currentLogger(), 'warn', { attempt: attempts.count, delayMs, err: thrown.error }, 'job failed')
    await sleep(clock, delayMs, signal)
  }
}

function outcomeOf(run: Promise<void>): Promise<{ error: unknown } | undefined> {
  return run.then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
}
