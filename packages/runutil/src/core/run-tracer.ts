/** The ids of the span that code runs in, by the names that OpenTelemetry gives them in log lines. */
export interface SpanIds {
  readonly trace_id: string
  readonly span_id: string
}

/** A run of a worker, or an attempt at a job. */
export interface TracedContext {
  /** That of the worker. */
  readonly name: string
  /** To be set before it writes its first line. */
  spanIds: SpanIds | undefined
}

/** Follows the runs of a program's workers, as `instrument` of runutil/otel does. It throws only what `body` throws. */
export interface RunTracer {
  /** Calls a run of a worker. @param signal that of the worker: a run that it has stopped has not failed */
  run<T>(context: TracedContext, signal: AbortSignal, body: () => T): T
  /** Calls what is no part of what its caller does, as a worker is none of what has started it. */
  outside<T>(body: () => T): T
}

interface Run extends TracedContext {
  readonly scope: { readonly records: { readonly tracer: RunTracer | undefined } }
}

/** Calls a run of a worker. @param signal that of the worker */
export function callRun<T>(context: Run, signal: AbortSignal, body: () => T): T {
  const { tracer } = context.scope.records
  return tracer === undefined ? body() : tracer.run(context, signal, body)
}
