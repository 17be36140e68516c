import { checkBackoff } from '../core/backoff.ts'
import { reportingHealth } from '../core/health.ts'
import { checkName, checkOptions } from '../core/options.ts'
import {
  type DeclarativeWorker,
  type Runnable,
  type Worker,
  type WorkerFunc,
  checkWorker,
  isWorker,
} from '../core/worker.ts'
import { NamedWorker } from './named.ts'
import { retry } from './retry.ts'

/**
 * A runnable as a worker. A declarative one is composed: health innermost, then the name, then retry outermost, so that the log
 * lines of retry carry the name.
 *
 * @param what begins the message of an error
 * @throws InvalidArgumentError
 */
export function toWorker(runnable: Runnable, what: string): Worker | WorkerFunc {
  if (!isDeclarative(runnable)) {
    checkWorker(runnable, what)
    return runnable
  }
  const { name, worker, retry: backoff } = checkOptions(what, runnable, ['name', 'worker', 'retry'])
  checkName(name, `${what}: name`)
  checkWorker(worker, `${what} ('${name}'): worker`)
  const named = new NamedWorker(reportingHealth(worker), name, worker)
  if (backoff === undefined) return named
  checkBackoff(backoff, `${what} ('${name}'): retry`)
  return retry(named, backoff)
}

function isDeclarative(runnable: Runnable): runnable is DeclarativeWorker {
  const given: unknown = runnable
  return typeof given === 'object' && given !== null && !isWorker(given) && 'worker' in given
}
