import { comesFirst, workerKind } from '../core/worker-kind.ts'
import type { Worker } from '../core/worker.ts'
import { type InstrumentOptions, checkedOptions } from './instrument-options.ts'
import { runInstrumentation } from './instrumentation.ts'

/**
 * Tells OpenTelemetry what goes on in this process, for as long as it runs: spans of jobs and of runs, and metrics. See
 * docs/tracing.md.
 *
 * It is up before the other workers of its run, and stops after them. An SDK must have been registered before it runs; without one,
 * nothing is told. Log lines of runs and of jobs have the ids of their spans, `trace_id` and `span_id`.
 *
 * @throws InvalidArgumentError at the call. When it runs: MissingPeerError without `@opentelemetry/api`; InvalidArgumentError if the
 *   runtime's run has not begun, or it or the queue is followed already
 *
 * @example
 * const telemetry = instrument({ queue })
 * await runAllWorkers([{ name: 'Telemetry', worker: telemetry }, { name: 'Mail', worker: mail }], shutdownSignal())
 */
export function instrument(options: InstrumentOptions = {}): Worker {
  const checked = checkedOptions(options)
  const worker = {
    [workerKind]: 'otel',
    [comesFirst]: 'itself' as const,
    run: (signal: AbortSignal) => runInstrumentation(checked, signal),
  }
  return worker
}
