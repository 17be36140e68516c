import { dependencyResults } from '../queue/codec.ts'
import type { Clock } from '../core/clock.ts'
import { currentClock } from '../core/context.ts'
import { unexpected } from '../core/errors.ts'
import { macrotask } from '../core/event-loop.ts'
import { checkOptions } from '../core/options.ts'
import { StoreUnavailableError } from '../core/store-unavailable-error.ts'
import { JobQueue, observedStoreOf } from '../queue/job-queue.ts'
import type { ClaimedJob, LeasedJob } from '../queue/job.ts'
import { judgeCrashes } from '../queue/judge.ts'
import type { Kind } from '../queue/kind.ts'
import type { ObservedJobStore } from '../queue/observed-job-store.ts'
import { type Settlement, refusalOf, settlementOf } from '../queue/outcome.ts'
import { processClaims } from '../queue/process-claims.ts'
import { type QueueWorker, handlersOf } from '../queue/queue-worker.ts'
import { type Attempted, attemptJob, checkClock } from './attempt-job.ts'
import { type JobOutcome, toJobOutcome } from './job-outcome.ts'

/** Options of `drain`. */
export interface DrainOptions {
  /** That of the handlers, for their deadlines and waits; should be that of the store. Default: that of the group, or the system's. */
  clock?: Clock | undefined
}

/** Long enough for any handler, as it isn't renewed: a renewal would take a timer of the clock. */
const LEASE_MS = 3_600_000
/** Then the event loop has a turn, so that a test's timeout can end jobs that follow one another for ever. */
const CLAIMS_IN_A_TURN = 32

/**
 * Runs the jobs of a worker's kinds that are due, one after another, also those that handlers enqueue meanwhile, until none is.
 *
 * It is for tests of handlers: with middleware, validation, codec, retry policy and deadline as in `worker.run`, but without
 * waiting. What is due later, such as a retry, runs when `drain` is called again after its time; `queue.retryNow` makes it due, and
 * so does advancing a VirtualClock that the store was given. Concurrency and rates of the worker's kinds don't apply, and a handler
 * isn't told that its job was cancelled. A handler that waits on a VirtualClock goes on when a test advances it, or with `auto`.
 *
 * @param worker its handlers run on the jobs of `queue`; it needn't be running
 * @returns an outcome for each attempt, in the order in which they ended
 * @throws InvalidArgumentError; StoreUnavailableError, also when a handler returned before its job's transaction ended
 *
 * @example
 * const clock = new VirtualClock()
 * const queue = new JobQueue(new MemoryJobStore({ clock }))
 * const worker = new QueueWorker(queue).register('mail', send)
 * await queue.enqueue({ kind: 'mail', payload: { to: 'ada' } })
 * const [outcome] = await drain(queue, worker, { clock })
 * assert.equal(outcome.status, 'DONE')
 */
export async function drain(
  queue: JobQueue,
  worker: QueueWorker,
  options: DrainOptions = {},
): Promise<JobOutcome[]> {
  const { clock = currentClock() } = checkOptions('drain', options, ['clock'])
  if (!(queue instanceof JobQueue)) throw unexpected('drain', 'a JobQueue', queue)
  const store = observedStoreOf(queue)
  const { codec, maxJson } = store
  const { kinds, maxCrashes } = handlersOf(worker, 'drain', codec && { codec, maxJson })
  const run = new Drain({ store, kinds, maxCrashes, clock: checkClock(clock, 'drain') })
  const outcomes: JobOutcome[] = []
  for (let job = await run.claim(); job !== undefined; job = await run.claim())
    outcomes.push(await run.run(job))
  return outcomes
}

interface DrainProps {
  readonly store: ObservedJobStore
  readonly kinds: ReadonlyMap<string, Kind>
  readonly maxCrashes: number
  readonly clock: Clock
}

class Drain {
  readonly #props: DrainProps
  #claims = 0

  constructor(props: DrainProps) {
    this.#props = props
  }

  async claim(): Promise<LeasedJob | undefined> {
    const { store, kinds } = this.#props
    if (++this.#claims % CLAIMS_IN_A_TURN === 0) await macrotask()
    const { holder, open: holding } = processClaims(store)
    const [job] = await store.claim([...kinds.keys()], 1, LEASE_MS, { holder, holding })
    return job
  }

  async run(job: LeasedJob): Promise<JobOutcome> {
    const { store } = this.#props
    const { open } = processClaims(store)
    open.add(job.claim)
    try {
      return await this.#record(await this.#attempt(job))
    } finally {
      open.delete(job.claim)
    }
  }

  async #attempt(job: LeasedJob): Promise<Attempted> {
    const { store, kinds, maxCrashes, clock } = this.#props
    const crashed = judgeCrashes(job as ClaimedJob, maxCrashes)
    if (crashed !== undefined) {
      const never = { result: undefined, durationMs: 0, isCompleting: false, progress: undefined }
      return { job: job as ClaimedJob, outcome: crashed, ...never }
    }
    const attempt = attemptJob({
      job,
      kinds,
      clock,
      maxJson: store.maxJson,
      onProgress: (progress) => store.progressed(job, progress),
      dependencies: (id) => dependencyResults(store, id),
    })
    const off = store.onCompleting((held) => {
      if (held.some(({ id, claim }) => id === job.id && claim === job.claim)) attempt.completing()
    })
    return attempt.ended.finally(off)
  }

  async #record(attempted: Attempted): Promise<JobOutcome> {
    const { store } = this.#props
    const { job, outcome, durationMs, isCompleting } = attempted
    const settlement = settlementOf(job, outcome, durationMs)
    try {
      const lost = await store.settle<Settlement>([settlement], { afterTransaction: isCompleting })
      const ended = await toJobOutcome(attempted, store)
      // Its transaction or somebody else has decided.
      return lost.length > 0 || isCompleting ? await this.#asStored(ended) : ended
    } catch (error) {
      if (error instanceof StoreUnavailableError) throw error
      const refusal = refusalOf(settlement, error)
      await store.settle([refusal])
      return { ...(await toJobOutcome({ ...attempted, outcome: refusal.outcome }, store)), error }
    }
  }

  async #asStored(ended: JobOutcome): Promise<JobOutcome> {
    const { store } = this.#props
    const job = await store.get(ended.id)
    if (job === undefined) return ended
    const { id, kind, attempt } = ended
    const { status, result, lastError = '' } = job
    if (status !== 'DONE')
      return { id, kind, attempt, status, lastError, error: ended.error ?? new Error(lastError) }
    const outcome = { status, result: result === undefined ? undefined : JSON.stringify(result) }
    const attempted = {
      job: { ...job, attempt } as ClaimedJob,
      outcome,
      result: undefined,
      progress: ended.progress,
    }
    return toJobOutcome(attempted, store)
  }
}
