import { offAbort, onAbort } from '../core/abort.ts'
import { type Clock, elapsedNow } from '../core/clock.ts'
import { unexpected } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import { StoreUnavailableError } from '../core/store-unavailable-error.ts'
import { messageOf } from '../core/thrown.ts'
import { untilAvailable } from '../core/until-available.ts'
import { type Encoding, decodePayload, encodeResult } from './codec.ts'
import { errorText } from './error-text.ts'
import { ErrInvalidJob, jobLost } from './errors.ts'
import { normaliseKind } from './job-input.ts'
import type { JobStore } from './job-store.ts'
import type { LeasedJob, QueuedJob } from './job.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import type { ObservedJobStore } from './observed-job-store.ts'
import { END_OF_TIME, type Outcome, type Settlement, refusalOf, settlementOf } from './outcome.ts'
import { processClaims } from './process-claims.ts'

/** Makes one attempt at a job and returns the job as it is afterwards. */
export type DequeueFn = (job: QueuedJob, signal: AbortSignal) => Promise<QueuedJob>

export interface DequeueProps {
  readonly store: ObservedJobStore
  readonly kinds: readonly string[]
  readonly fn: DequeueFn
  readonly options: { readonly signal?: AbortSignal | undefined }
  readonly clock: Clock
}

const LEASE_MS = 30_000

/** One job: claim, attempt, settle. See JobQueue.dequeue. */
export async function dequeue({ store, kinds, fn, options, clock }: DequeueProps): Promise<boolean> {
  const { signal } = checkOptions('dequeue', options, ['signal'])
  if (!Array.isArray(kinds)) throw unexpected('dequeue: kinds', 'an array of strings', kinds)
  const names = kinds.map((kind, at) => normaliseKind(kind as string, `dequeue: kinds[${at}]`))
  if (typeof fn !== 'function')
    throw unexpected('dequeue: fn', 'a function (job, signal) => Promise<job>', fn)
  if (signal?.aborted) return false
  const claimedAt = clock.elapsed()
  const { holder, open: holding } = processClaims(store)
  const [job] = await store.claim(names, 1, LEASE_MS, { holder, holding })
  if (job === undefined) return false
  await runHeld(job, claimedAt, { store, fn, signal, clock })
  return true
}

interface RunHeldProps extends Pick<DequeueProps, 'store' | 'fn' | 'clock'> {
  readonly signal: AbortSignal | undefined
}

async function runHeld(
  job: LeasedJob,
  claimedAt: number,
  { store, fn, signal, clock }: RunHeldProps,
): Promise<void> {
  const abort = new AbortController()
  const stop = (): void => abort.abort(signal?.reason)
  const lostLease = jobLost(job.id)
  const onLost = (): void => abort.abort(lostLease)
  // A failed renewal is retried; when none succeeds in time, the lease is lost.
  const keeper = new LeaseKeeper<LeasedJob>({
    store,
    leaseMs: LEASE_MS,
    clock,
    open: processClaims(store).open,
    onLost,
    onError: () => {},
  })
  keeper.add(job, claimedAt)
  onAbort(signal, stop)
  try {
    const settlement = await attempt(job, { store, fn, clock, signal: abort.signal }).catch(
      async (error: unknown) => {
        await store.release([job])
        throw abort.signal.reason === lostLease ? lostLease : error
      },
    )
    const lost = await settle(settlement, store, clock)
    if (lost.length > 0) throw lostLease
  } finally {
    offAbort(signal, stop)
    keeper.stop()
  }
}

async function attempt(
  job: LeasedJob,
  { store, fn, clock, signal }: Pick<DequeueProps, 'store' | 'fn' | 'clock'> & { signal: AbortSignal },
): Promise<Settlement> {
  const startedAt = elapsedNow(clock)
  let decoded: LeasedJob
  try {
    decoded = store.codec === undefined ? job : await decodePayload(job, store.codec)
  } catch (error) {
    const lastError = errorText(`panic: ${messageOf(error)}`)
    return settlementOf(job, { status: 'PANIC', lastError }, 0)
  }
  const traced = store.tracer?.attempt(job, undefined)
  try {
    const after = await (traced === undefined ? fn(decoded, signal) : traced.run(() => fn(decoded, signal)))
    const settlement = settlementOf(job, await outcomeOf(job, after, store), elapsedNow(clock) - startedAt)
    traced?.ended(settlement)
    return settlement
  } catch (error) {
    traced?.ended({ outcome: undefined, error, durationMs: elapsedNow(clock) - startedAt })
    throw error
  }
}

/** An outcome that can't be recorded ends the job as PANIC. @throws the store's error; retries for a lease's time first */
async function settle(settlement: Settlement, store: JobStore, clock: Clock): Promise<Settlement[]> {
  const giveUpAt = clock.elapsed() + LEASE_MS
  const patiently = (its: Settlement): Promise<Settlement[]> =>
    untilAvailable(() => store.settle([its]), {
      clock,
      onRetry: () => {},
      givesUp: () => clock.elapsed() >= giveUpAt,
    })
  try {
    return await patiently(settlement)
  } catch (error) {
    if (error instanceof StoreUnavailableError) throw error
    // If that is refused too, the first error is the more useful one.
    await patiently(refusalOf(settlement, error)).catch(() => {})
    throw error
  }
}

async function outcomeOf(job: QueuedJob, after: QueuedJob, encoding: Encoding): Promise<Outcome> {
  const { status, result, lastError, runAt, attemptsDone } = checked(after)
  switch (status) {
    case 'DONE':
      if (result === undefined) return { status }
      return { status, result: await encodeResult(result, job, encoding, 'dequeue: result') }
    case 'FAILED':
    case 'PANIC':
      return { status, lastError: reason(lastError) }
    case 'PENDING':
      return {
        status,
        lastError: reason(lastError),
        // A date in the past counts as now, however old it is.
        runAt: runAt.getTime() < 0 ? new Date(0) : runAt,
        delayMs: 0,
        counted: attemptsDone > job.attemptsDone,
      }
    default:
      status satisfies never
      throw unexpected('dequeue: status', "'PENDING', 'DONE', 'FAILED' or 'PANIC'", status)
  }
}

function reason(lastError: string | undefined): string | undefined {
  if (lastError === undefined || typeof lastError === 'string') return lastError && errorText(lastError)
  throw unexpected('dequeue: lastError', 'a string', lastError)
}

function checked(after: QueuedJob): QueuedJob {
  if (typeof after !== 'object' || (after as unknown) === null) {
    throw unexpected('dequeue', 'fn to return the job after the attempt', after)
  }
  if (!(after.runAt instanceof Date && after.runAt.getTime() < END_OF_TIME)) {
    throw new ErrInvalidJob('dequeue: expected the returned job to have a valid runAt before the year 10000')
  }
  return after
}
