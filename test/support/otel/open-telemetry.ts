import { type Attributes, context, metrics, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { type MetricData, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'

/** OpenTelemetry's own SDK, which keeps what it is told. To be closed: there is one in a process. */
export interface OpenTelemetry {
  /** Those that have ended, in that order. @param name all if undefined */
  readonly spans: (name?: string) => ReadableSpan[]
  /** The only one of that name that has ended. */
  readonly span: (name: string) => ReadableSpan
  readonly collect: () => Promise<Metrics>
  readonly close: () => Promise<void>
}

class CollectedOnCall extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

export function openTelemetry(): OpenTelemetry {
  const exporter = new InMemorySpanExporter()
  const tracing = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  const reader = new CollectedOnCall()
  const metering = new MeterProvider({ readers: [reader] })
  const manager = new AsyncLocalStorageContextManager().enable()
  context.setGlobalContextManager(manager)
  trace.setGlobalTracerProvider(tracing)
  metrics.setGlobalMeterProvider(metering)
  const spans = (name?: string): ReadableSpan[] =>
    exporter.getFinishedSpans().filter((span) => name === undefined || span.name === name)
  return {
    spans,
    span: (name) => {
      const found = spans(name)
      if (found.length === 1) return found[0]!
      const all = spans().map((span) => span.name)
      throw new Error(`expected one span '${name}'; got ${found.length} of ${JSON.stringify(all)}`)
    },
    collect: async () => {
      const { resourceMetrics, errors } = await reader.collect()
      if (errors.length > 0) throw errors[0]
      return new Metrics(resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics))
    },
    close: async () => {
      for (const api of [context, trace, metrics]) api.disable()
      manager.disable()
      await tracing.shutdown()
      await metering.shutdown()
    },
  }
}

interface DurationValue {
  readonly count: number
  readonly sum: number
}

/** What was collected at once. */
class Metrics {
  readonly #all: readonly MetricData[]

  constructor(all: readonly MetricData[]) {
    this.#all = all
  }

  /** As 'name: unit'. */
  get names(): string[] {
    return this.#all.map(({ descriptor: { name, unit } }) => `${name}: ${unit}`).sort()
  }

  pointsOf(name: string): { attributes: Attributes; value: unknown }[] {
    return this.#all
      .filter(({ descriptor }) => descriptor.name === name)
      .flatMap(({ dataPoints }) => dataPoints.map(({ attributes, value }) => ({ attributes, value })))
  }

  /** The only value with these attributes among others; undefined without one. Of a histogram, use `durations`. */
  value(name: string, attributes: Attributes = {}): number | undefined {
    const found = this.pointsOf(name).filter((point) => has(point.attributes, attributes))
    if (found.length > 1) throw new Error(`expected one of ${name}; got ${JSON.stringify(found)}`)
    return found[0]?.value as number | undefined
  }

  /** Of a histogram: all with these attributes among others. */
  durations(name: string, attributes: Attributes = {}): DurationValue {
    const found = this.pointsOf(name).filter((point) => has(point.attributes, attributes))
    const values = found.map(({ value }) => value as { count: number; sum?: number })
    return {
      count: values.reduce((sum, { count }) => sum + count, 0),
      sum: values.reduce((sum, value) => sum + (value.sum ?? 0), 0),
    }
  }
}

function has(attributes: Attributes, some: Attributes): boolean {
  return Object.entries(some).every(([name, value]) => attributes[name] === value)
}
