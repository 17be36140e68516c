import { type Runnable, Runtime, runAllWorkers } from 'runutil'
import { type InstrumentOptions, instrument } from 'runutil/otel'
import {
  type JobHandler,
  JobQueue,
  type JobStore,
  type KindOptions,
  MemoryJobStore,
  QueueWorker,
} from 'runutil/queue'
import { Probe, VirtualClock } from 'runutil/testing'
import { type LogLine, capturedLogger } from '../logs.ts'

interface InstrumentedProps extends InstrumentOptions {
  /** Of kind 'a'. */
  readonly handler?: JobHandler
  readonly kind?: KindOptions
  readonly store?: (clock: VirtualClock) => JobStore
  /** Workers beside that of the queue. */
  readonly others?: readonly Runnable[] | ((clock: VirtualClock) => readonly Runnable[])
}

export interface Instrumented {
  readonly clock: VirtualClock
  readonly queue: JobQueue
  readonly runtime: Runtime
  readonly lines: LogLine[]
  /** Hit with the status of each job that is settled. */
  readonly settled: Probe<string>
  readonly stop: () => Promise<void>
}

/** A run on a virtual clock that has an `instrument()`, and a worker of kind 'a'. */
export async function instrumented(props: InstrumentedProps = {}): Promise<Instrumented> {
  const { handler = () => {}, kind, store, others = [], ...options } = props
  const clock = new VirtualClock()
  const queue = new JobQueue(store?.(clock) ?? new MemoryJobStore({ clock }))
  const worker = new QueueWorker(queue).register('a', handler, kind)
  const settled = new Probe<string>('settled')
  queue.onEvent((event) => {
    if (event.type === 'settled') settled.hit(event.status)
  })
  const { logger, lines } = capturedLogger()
  const stop = new AbortController()
  const runtime = new Runtime()
  const beside = typeof others === 'function' ? others(clock) : others
  const workers = [
    { name: 'Jobs', worker },
    ...beside,
    { name: 'Telemetry', worker: instrument({ queue, ...options }) },
  ]
  const ended = runAllWorkers(workers, stop.signal, { clock, logger, runtime })
  ended.catch(() => {})
  await runtime.ready()
  await clock.advance(0)
  return {
    clock,
    queue,
    runtime,
    lines,
    settled,
    stop: async () => {
      stop.abort()
      await clock.advance(0)
      await ended
    },
  }
}
