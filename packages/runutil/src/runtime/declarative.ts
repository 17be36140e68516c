import { reportingHealth } from '../core/health.ts'
import { type Runnable, type Worker, type WorkerFunc, checkWorker } from '../core/worker.ts'
import { isDeclarative, toChildSpec } from './child-spec.ts'
import { NamedWorker, carriesName, nameOf, runs } from './named.ts'
import { superviseOne } from './supervise-one.ts'

/**
 * Converts any accepted form of a worker to a plain worker. A declarative one is composed in one order: health innermost,
 * then the name, then its restarts outermost; their log lines carry the name.
 *
 * @param what what error messages begin with
 * @throws InvalidArgumentError
 */
export function toWorker(runnable: Runnable, what: string): Worker | WorkerFunc {
  if (!isDeclarative(runnable)) {
    checkWorker(runnable, what)
    return runnable
  }
  const spec = toChildSpec(runnable, 0, what)
  const named = new NamedWorker(reportingHealth(spec.worker), runnable.name, spec.worker)
  const { retry, watchdogMs, startTimeoutMs, restart } = spec
  const isPlain = retry === undefined && watchdogMs === undefined && startTimeoutMs === undefined
  if (isPlain && restart === 'permanent') return named
  const alone = { ...spec, worker: named, segment: '' }
  return {
    [carriesName]: true,
    [runs]: named,
    name: nameOf(named),
    run: (signal: AbortSignal) => superviseOne(alone, retry, signal, nameOf(named)),
  } as Worker
}
