import { getEventListeners } from 'node:events'
import { type Clock, type Runnable, Runtime, runAllWorkers } from 'runutil'
import {
  type JobHandler,
  type JobQueue,
  type KindOptions,
  QueueWorker,
  type QueueWorkerOptions,
} from 'runutil/queue'
import { expect } from 'vitest'
import { type LogLine, capturedLogger } from '../logs.ts'
import { BreakableStore } from './breakable-store.ts'
import { type FreshQueue, freshQueue } from './fresh-queue.ts'

export interface FreshWorker extends FreshQueue {
  readonly worker: QueueWorker
  readonly store: BreakableStore
  readonly lines: LogLine[]
  /** Stores jobs of kind 'a'. */
  readonly enqueue: (...ids: string[]) => Promise<void>
  /** Runs it, beside others, until `stop`; resolves when nothing happens without time passing. */
  readonly run: (...others: Runnable[]) => Promise<Running>
}

interface Running {
  /** In which the worker is '/#0'. */
  readonly runtime: Runtime
  readonly ended: Promise<void>
  /** Tells it to stop, and resolves when nothing happens without time passing. */
  readonly abort: (reason?: unknown) => Promise<void>
  /** Tells it to stop, and resolves when it has, with nothing left behind. */
  readonly stop: () => Promise<void>
}

export interface FreshWorkerOptions extends QueueWorkerOptions {
  limits?: KindOptions
  /** Of its process. */
  clock?: Clock
  /** That of another process. */
  queue?: JobQueue
  fresh?: FreshQueue & { store: BreakableStore }
}

/** A queue on a store that a test can break. */
export function breakableQueue(): FreshQueue & { store: BreakableStore } {
  let store: BreakableStore
  const fresh = freshQueue((inner) => (store = new BreakableStore(inner)).store)
  return { ...fresh, store: store! }
}

/** A worker on a virtual clock that has one handler, of kind 'a'. */
export function freshWorker(handler: JobHandler, options: FreshWorkerOptions = {}): FreshWorker {
  const { fresh = breakableQueue(), limits = {}, clock: own, queue: itsQueue, ...rest } = options
  const { clock, queue } = fresh
  const { logger, lines } = capturedLogger()
  const worker = new QueueWorker(itsQueue ?? queue, rest).register('a', handler, limits)
  const run = async (...others: Runnable[]): Promise<Running> => {
    const stop = new AbortController()
    const runtime = new Runtime()
    const ended = runAllWorkers([worker, ...others], stop.signal, { clock: own ?? clock, logger, runtime })
    ended.catch(() => {})
    const abort = async (reason?: unknown): Promise<void> => {
      stop.abort(reason)
      await clock.advance(0)
    }
    await clock.advance(0)
    return { runtime, ended, abort, stop: () => abort().then(() => endOf(ended, fresh, stop.signal)) }
  }
  return { ...fresh, worker, lines, run, enqueue: (...ids) => enqueue(fresh, ...ids) }
}

async function enqueue({ queue, clock }: FreshQueue, ...ids: string[]): Promise<void> {
  await queue.enqueue(ids.map((id) => ({ id, kind: 'a' })))
  await clock.advance(0)
}

async function endOf(ended: Promise<void>, { clock }: FreshQueue, signal: AbortSignal): Promise<void> {
  await ended
  expect(clock.pending).toBe(0)
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
}
