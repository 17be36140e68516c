import type { SpanContext } from '@opentelemetry/api'

/** The version that W3C has published: two digits of version, 32 of the trace, 16 of the span, two of flags. */
const FORM = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/

/** The trace context of a span as a job keeps it, in W3C's form. */
export function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
}

/** The span that a job was sent by; undefined without one, or for what isn't in that form. */
export function spanContextIn(traceparent: string | undefined): SpanContext | undefined {
  const [, traceId, spanId, flags] = (traceparent && FORM.exec(traceparent)) || []
  if (traceId === undefined || /^0+$/.test(traceId) || /^0+$/.test(spanId!)) return undefined
  return { traceId, spanId: spanId!, traceFlags: Number.parseInt(flags!, 16), isRemote: true }
}
