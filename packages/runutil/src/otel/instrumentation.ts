import { offAbort, onAbort } from '../core/abort.ts'
import { InvalidArgumentError } from '../core/errors.ts'
import { importPeer } from '../core/import-peer.ts'
import { workerReady } from '../core/worker-ready.ts'
import type { RunRecords } from '../core/worker-record.ts'
import type { ObservedJobStore } from '../queue/observed-job-store.ts'
import { currentRuntime, recordsOf } from '../runtime/runtime.ts'
import { ErrorTypes } from './error-types.ts'
import type { InstrumentOptions } from './instrument-options.ts'
import { JobAttributes } from './job-attributes.ts'
import { JobMeters } from './job-meters.ts'
import { JobSpans } from './job-spans.ts'
import { Observers } from './observers.ts'
import { RunSpans } from './run-spans.ts'
import { Telemetry } from './telemetry.ts'
import { WorkerNames } from './worker-names.ts'

/** Follows what goes on until the signal aborts. @throws MissingPeerError, InvalidArgumentError */
export async function runInstrumentation(options: InstrumentOptions, signal: AbortSignal): Promise<void> {
  const records = recordsToFollow(options)
  const store = options.queue?.store as ObservedJobStore | undefined
  const telemetry = new Telemetry(await importPeer('@opentelemetry/api', () => import('@opentelemetry/api')))
  if (records.tracer !== undefined) throw inUse('runtime', 'run')
  if (store?.tracer !== undefined) throw inUse('queue', 'queue')
  if (signal.aborted) return
  const attributes = new JobAttributes()
  const names = new WorkerNames()
  const errorTypes = new ErrorTypes()
  const meters = new JobMeters(telemetry.meter, attributes)
  const observers = new Observers({ telemetry, options, records, attributes, names, meters })
  records.tracer = new RunSpans({ telemetry, errorTypes, names })
  const { parent = false } = options
  if (store !== undefined) store.tracer = new JobSpans({ telemetry, meters, errorTypes, parent })
  observers.add()
  workerReady()
  await aborted(signal)
  observers.remove()
  records.tracer = undefined
  if (store !== undefined) store.tracer = undefined
}

function recordsToFollow({ runtime = currentRuntime() }: InstrumentOptions): RunRecords {
  const records = runtime === undefined ? undefined : recordsOf(runtime)
  if (records !== undefined) return records
  throw new InvalidArgumentError(
    'instrument: expected to be a worker of a run, or the runtime of one that has begun; got neither; put it into the list of workers',
  )
}

function inUse(option: string, what: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `instrument: ${option}: expected a ${what} that nobody follows; got one that another instrument() does; use one for both`,
  )
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    onAbort(signal, done)
    function done(): void {
      offAbort(signal, done)
      resolve()
    }
  })
}
