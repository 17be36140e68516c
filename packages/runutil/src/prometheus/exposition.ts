import { unexpected } from '../core/errors.ts'
import { has } from '../core/has.ts'
import { checkOptions } from '../core/options.ts'
import { MEASURED_PARTS, type MeasuredParts, checkMeasuredParts } from '../metrics/measured-parts.ts'
import { type Runtime, currentRuntime } from '../runtime/runtime.ts'
import { Scrapes } from './scrapes.ts'

/** Options of `exposition`. */
export interface ExpositionOptions extends MeasuredParts {
  /** The run whose workers to tell of. Default: the run that the scrape comes to. */
  runtime?: Runtime | undefined
  /** A registry of prom-client, whose metrics follow. */
  registry?: MetricRegistry | undefined
}

/** As that of prom-client. */
export interface MetricRegistry {
  /** Has to begin with 'text/plain': ours come in the text format. */
  readonly contentType: string
  /** Called at each scrape; its text follows that of runutil. */
  metrics(): Promise<string>
}

/** What `/metrics` answers, in the text format: call it for the whole. */
export interface Exposition {
  (): Promise<string>
  /** The same, to be sent one after another, as `OpsServer` does: with many kinds that costs a fraction of sending the whole. */
  pieces(): Promise<readonly string[]>
}

/**
 * Tells Prometheus what goes on in this process: workers, runs, attempts at jobs, actions and, if it is the one to tell, the backlog of the
 * queue and of work units. Counts nothing itself: at a scrape it reads what the run has recorded, and asks the queue for its `stats()` and
 * the coordinate for its `openUnits()`.
 *
 * What is unknown is left out: while a store doesn't answer within 2 s, its backlog.
 *
 * @returns what `/metrics` answers, in the text format
 * @throws InvalidArgumentError
 *
 * @example
 * const ops = new OpsServer({ queue, metrics: exposition({ queue }) })
 */
export function exposition(options: ExpositionOptions = {}): Exposition {
  const { runtime, registry, ...parts } = checked(options)
  const scrapes = new Scrapes(parts)
  const pieces = async (): Promise<readonly string[]> => {
    const ours = await scrapes.pieces(runtime ?? currentRuntime())
    return registry === undefined ? ours : [...ours, await registry.metrics()]
  }
  return Object.assign(async () => (await pieces()).join(''), { pieces })
}

function checked(options: ExpositionOptions): ExpositionOptions {
  const what = 'exposition'
  const given = checkOptions(what, options, ['runtime', ...MEASURED_PARTS, 'registry'])
  checkMeasuredParts(what, given)
  const { runtime, registry } = given
  if (runtime !== undefined && !has(runtime, 'tree'))
    throw unexpected(`${what}: runtime`, 'a Runtime', runtime)
  if (registry === undefined) return given
  if (!has(registry, 'metrics')) throw unexpected(`${what}: registry`, 'a Registry of prom-client', registry)
  const { contentType } = registry
  if (contentType.startsWith('text/plain')) return given
  throw unexpected(
    `${what}: registry`,
    'one in the text format',
    contentType,
    '; leave its content type as it is',
  )
}
