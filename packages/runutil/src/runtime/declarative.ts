import { shortened } from '../core/describe.ts'
import { InvalidArgumentError } from '../core/errors.ts'
import { reportingHealth } from '../core/health.ts'
import { restartType } from '../core/worker-kind.ts'
import { type Runnable, type Worker, type WorkerFunc, checkWorker } from '../core/worker.ts'
import { type ChildSpec, isDeclarative, toChildSpec } from './child-spec.ts'
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
  refuseAfter(spec, what)
  const named = new NamedWorker(reportingHealth(spec.worker), runnable.name, spec.worker)
  const { retry, watchdogMs, startTimeoutMs, restart } = spec
  const isPlain = retry === undefined && watchdogMs === undefined && startTimeoutMs === undefined
  if (isPlain && restart === 'permanent') return named
  // That its failure isn't one of the group is left to the entry that it is in.
  const alone = {
    ...spec,
    worker: named,
    segment: '',
    restart: restart === 'temporary' ? 'transient' : restart,
  } as const
  const run = (signal: AbortSignal): Promise<void> =>
    isPlain ? named.run(signal) : superviseOne(alone, retry, signal, nameOf(named))
  return {
    [carriesName]: true,
    [runs]: named,
    [restartType]: restart,
    name: nameOf(named),
    run,
  } as Worker
}

/** @throws InvalidArgumentError for an order among siblings that it doesn't have */
function refuseAfter({ label, after: [first] }: ChildSpec, what: string): void {
  if (first === undefined) return
  throw new InvalidArgumentError(
    `${what}: expected no after for '${shortened(label)}', which has no siblings here; got '${shortened(first)}'; ` +
      'give it to an entry of the group',
  )
}
