import type * as api from '@opentelemetry/api'
import type { Context, Span } from '@opentelemetry/api'
import type { SpanIds } from '../core/run-tracer.ts'
import { messageOf, toError } from '../core/thrown.ts'
import { VERSION } from '../core/version.ts'

export type OpenTelemetry = typeof api

const NAME = 'runutil'

/** What this package needs of OpenTelemetry's API, which may have no SDK behind it: then it does nothing. */
export class Telemetry {
  readonly api: OpenTelemetry
  readonly tracer: api.Tracer
  readonly meter: api.Meter

  constructor(api: OpenTelemetry) {
    this.api = api
    this.tracer = api.trace.getTracer(NAME, VERSION)
    this.meter = api.metrics.getMeter(NAME, VERSION)
  }

  /** The context of what nobody has called: without a span, and without what others keep in theirs. */
  get root(): Context {
    return this.api.ROOT_CONTEXT
  }

  /** That of the caller. */
  get active(): Context {
    return this.api.context.active()
  }

  /** @param around the context that the span is to be active in */
  within<T>(span: Span, around: Context, body: () => T): T {
    const { context, trace } = this.api
    return context.with(trace.setSpan(around, span), body)
  }

  /** Undefined without an SDK. */
  idsOf(span: Span): SpanIds | undefined {
    const ids = span.spanContext()
    if (!this.api.isSpanContextValid(ids)) return undefined
    return { trace_id: ids.traceId, span_id: ids.spanId }
  }

  /** @param text what the status of the span says, if nothing was thrown */
  fail(span: Span, errorType: string, thrown: { error: unknown } | undefined, text?: string): void {
    span.setAttribute('error.type', errorType)
    if (thrown !== undefined) span.recordException(toError(thrown.error))
    const message = thrown === undefined ? text : messageOf(thrown.error)
    span.setStatus({ code: this.api.SpanStatusCode.ERROR, ...(message !== undefined && { message }) })
  }
}
