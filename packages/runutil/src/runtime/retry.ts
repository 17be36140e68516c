import { type Backoff, checkBackoff, longestWaitMs, waitMsOf } from '../core/backoff.ts'
import type { Clock } from '../core/clock.ts'
import { type Context, currentClock, currentContext, currentLogger } from '../core/context.ts'
import { healthOf, recovered } from '../core/health.ts'
import { isAbortOf } from '../core/is-abort-of.ts'
import { type Job, type JobFunc, callJob, checkJob } from '../core/job.ts'
import { log } from '../core/log.ts'
import { sleep } from '../core/wait.ts'
import { type Worker, type WorkerFunc, callWorker, checkWorker } from '../core/worker.ts'
import { carriesName, nameOf, nestedContext, runs } from './named.ts'

/** A worker that returns at once, without error, is still not restarted more often than this. */
const SHORTEST_RUN_MS = 10

/** However long it took to fail before. */
const LONGEST_RECOVERY_MS = 60_000

/**
 * Restarts a worker for ever, whether it returned or threw, until the signal aborts; then it resolves.
 *
 * An error raises the attempt number that `backoff` is asked with; a clean return resets it, and so does a run
 * that stayed up longer than the longest delay. There is always a macrotask between two runs. Each failure is
 * logged at `warn` with the worker's name, `attempt` and `err`; a line that can't be written keeps nobody from a restart.
 * A backoff that throws, or says no time, ends it with an InvalidDurationError, the worker's error as `cause`.
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
    const clock = currentClock()
    const attempts = new Attempts(this.#backoff, clock)
    // The name is put on inside of retry, but what retry logs is about that worker.
    const named: Context | undefined = this.name === undefined ? undefined : nestedContext(this.name)
    const recovery = new Recovery(named ?? currentContext(), clock)
    while (!signal.aborted) {
      attempts.begin()
      const thrown = await recovery.during(attempts.recoveryMs, callWorker(this.#worker, signal))
      const delayMs = attempts.ended(thrown, signal.aborted)
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
    const delayMs = attempts.ended(thrown, false)
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

/** Notices that a worker, which doesn't say so itself, runs well again after it failed. */
class Recovery {
  readonly #context: Context | undefined
  readonly #clock: Clock

  constructor(context: Context | undefined, clock: Clock) {
    this.#context = context
    this.#clock = clock
  }

  /** @param ms how long this run has to last for that */
  async during(ms: number, run: Promise<void>): Promise<{ error: unknown } | undefined> {
    const context = this.#context
    const health = context && healthOf(context)
    if (context === undefined || health?.state !== 'firing') return outcomeOf(run)
    const timer = this.#clock.setTimeout(() => recovered(context, health), ms)
    const outcome = await outcomeOf(run)
    timer.clear()
    return outcome
  }
}

/** How often in a row it failed, and how long to wait before the next run. */
class Attempts {
  readonly #backoff: Backoff
  readonly #clock: Clock
  /** The longest delay so far. */
  #longestMs = SHORTEST_RUN_MS
  #startedAt = 0
  #recoveryMs = SHORTEST_RUN_MS
  count = 0

  constructor(backoff: Backoff, clock: Clock) {
    this.#backoff = backoff
    this.#clock = clock
  }

  /** A run that lasts for longer is no repetition of the last one. */
  get recoveryMs(): number {
    return this.#recoveryMs
  }

  begin(): void {
    this.#startedAt = this.#clock.elapsed()
  }

  /**
   * How long to wait before the next run; when there is none, the backoff isn't asked.
   *
   * @throws InvalidDurationError, caused by what was thrown, when the backoff doesn't say
   */
  ended(thrown: { error: unknown } | undefined, isLast: boolean): number {
    const uptime = this.#clock.elapsed() - this.#startedAt
    if (thrown === undefined) {
      this.count = 0
      return uptime < SHORTEST_RUN_MS ? SHORTEST_RUN_MS : 0
    }
    // A backoff of the user's own is asked how far it goes only when it matters.
    if (uptime > this.#longestMs && uptime > longestWaitMs(this.#backoff)) this.count = 0
    this.count++
    const delayMs = isLast ? 0 : waitMsOf(this.#backoff, this.count, thrown.error)
    this.#longestMs = Math.max(this.#longestMs, delayMs)
    this.#recoveryMs = Math.max(SHORTEST_RUN_MS, delayMs, Math.min(uptime, LONGEST_RECOVERY_MS))
    return delayMs
  }
}
