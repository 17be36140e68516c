import { unexpected } from '../core/errors.ts'
import { has } from '../core/has.ts'
import { checkOptions } from '../core/options.ts'
import { MEASURED_PARTS, type MeasuredParts, checkMeasuredParts } from '../metrics/measured-parts.ts'
import type { Runtime } from '../runtime/runtime.ts'

/** Options of `instrument`. Spans are of the jobs that are enqueued and run through `queue`, and of the runs of `runtime`. */
export interface InstrumentOptions extends MeasuredParts {
  /** The run whose workers to follow. Default: the run that this is a worker of. */
  runtime?: Runtime | undefined
  /**
   * Whether an attempt at a job is a child of the span that sent the job, so that both are one trace. By default it is the root of a
   * trace of its own, with a link to that span: a job may run days later, or be tried many times.
   */
  parent?: boolean | undefined
}

/** @throws InvalidArgumentError */
export function checkedOptions(options: InstrumentOptions): InstrumentOptions {
  const what = 'instrument'
  const given = checkOptions(what, options, ['runtime', ...MEASURED_PARTS, 'parent'])
  checkMeasuredParts(what, given)
  const { runtime, parent } = given
  if (runtime !== undefined && !has(runtime, 'tree'))
    throw unexpected(`${what}: runtime`, 'a Runtime', runtime)
  if (parent !== undefined && typeof parent !== 'boolean')
    throw unexpected(`${what}: parent`, 'true or false', parent)
  return given
}
