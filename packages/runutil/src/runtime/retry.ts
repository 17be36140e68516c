import { isAbortOf } from '../core/abort.ts'
import { type Backoff, checkBackoff, longestWaitMs } from '../core/backoff.ts'
import type { Clock } from '../core/clock.ts'
import { currentClock, currentLogger, type Context } from '../core/context.ts'
import { toMs } from '../core/duration.ts'
import { type Job, type JobFunc, callJob, checkJob } from '../core/job.ts'
import { log } from '../core/log.ts'
import { sleep } from '../core/wait.ts'
import { type Worker, type WorkerFunc, callWorker, checkWorker } from '../core/worker.ts'
import { carriesName, nameOf, nestedContext } from './named.ts'

/** A worker that returns at once, without error, is still not restarted more often than this. */
const SHORTEST_RUN_MS = 10

/**
 * Restarts a worker for ever, whether it returned or threw, until the signal aborts; then it resolves.
 *
 * An error raises the attempt number that `backoff` is asked with; a clean return resets it, and so does a run
 * that stayed up longer than the longest delay. There is always a macrotask between two runs. Each failure is
 * logged at `warn` with the worker's name, `attempt` and `err`.
 *
 * @throws InvalidArgumentError at the call
 *
 * Source: seed 004, Retry.
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
  readonly name: string | undefined
  readonly #worker: Worker | WorkerFunc
  readonly #backoff: Backoff

  constructor(worker: Worker | WorkerFunc, backoff: Backoff) {
    this.name = nameOf(worker)
    this.#worker = worker
    this.#backoff = backoff
  }

  async run(signal: AbortSignal): Promise<void> {
    const clock = currentClock()
    const attempts = new Attempts(this.#backoff, clock)
    // The name is put on inside of retry, but what retry logs is about that worker.
    const named: Context | undefined = this.name === undefined ? undefined : nestedContext(this.name)
    while (!signal.aborted) {
      attempts.begin()
      const thrown = await outcomeOf(callWorker(this.#worker, signal))
      const delayMs = thrown === undefined ? attempts.returned() : attempts.failed()
      if (thrown !== undefined && !isAbortOf(signal, thrown.error)) {
        const logger = named?.logger ?? currentLogger()
        log(logger, 'warn', { attempt: attempts.count, delayMs, err: thrown.error }, 'worker failed')
      }
      if (!signal.aborted) await sleep(clock, delayMs, signal)
    }
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
    const delayMs = attempts.failed()
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

/** How often in a row it failed, and how long to wait before the next run. */
class Attempts {
  readonly #backoff: Backoff
  readonly #clock: Clock
  /** The longest delay so far. */
  #longestMs = SHORTEST_RUN_MS
  #startedAt = 0
  count = 0

  constructor(backoff: Backoff, clock: Clock) {
    this.#backoff = backoff
    this.#clock = clock
  }

  begin(): void {
    this.#startedAt = this.#clock.elapsed()
  }

  failed(): number {
    const uptime = this.#uptime()
    // A backoff of the user's own is asked how far it goes only when it matters.
    if (uptime > this.#longestMs && uptime > longestWaitMs(this.#backoff)) this.count = 0
    const delayMs = toMs(this.#backoff.duration(++this.count), `backoff.duration(${this.count})`)
    this.#longestMs = Math.max(this.#longestMs, delayMs)
    return delayMs
  }

  returned(): number {
    this.count = 0
    return this.#uptime() < SHORTEST_RUN_MS ? SHORTEST_RUN_MS : 0
  }

  #uptime(): number {
    return this.#clock.elapsed() - this.#startedAt
  }
}
