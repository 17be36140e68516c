import { brandError } from '../core/brand.ts'
import { shortened } from '../core/describe.ts'
import { nearest } from '../core/options.ts'
import type { RunControl } from '../core/worker-kind.ts'

/** No worker has that path, or the run has not begun. */
export class NoSuchWorkerError extends Error {
  readonly code = 'ERR_NO_SUCH_WORKER'
  readonly path: string
  static {
    brandError(this, 'NoSuchWorkerError')
  }
  constructor(path: string, known: readonly string[]) {
    const near = nearest(path, known)
    const hint = near === undefined ? (known.length === 0 ? 'nothing runs' : '') : `did you mean '${near}'?`
    super(`no worker has the path '${shortened(path)}'${hint === '' ? '' : `; ${hint}`}`)
    this.path = path
  }
}

/** The worker has no runs to pause or trigger, or none for now. */
export class NotPausableError extends Error {
  readonly code = 'ERR_NOT_PAUSABLE'
  readonly path: string
  static {
    brandError(this, 'NotPausableError')
  }
  constructor(path: string, kind: string, what: RunControl, why: string = whyNot(what, kind)) {
    super(`cannot ${what} '${shortened(path)}', a ${kind}: ${why}`)
    this.path = path
  }
}

/** Of a repeat and a cron only those with a lease get here: to restart one makes it wait for its next time. */
function whyNot(what: RunControl, kind: string): string {
  if (what === 'trigger' && (kind === 'repeat' || kind === 'cron')) {
    return 'its lease decides when it runs, once over all processes; do what it does in another way, such as by enqueueing its job'
  }
  return WHY[what]
}

const WHY: Readonly<Record<RunControl, string>> = {
  pause: 'only repeat and cron without a lease, a QueueWorker and a CoordinateWorker can be paused; use stop',
  trigger: 'only repeat and cron without a lease have runs to trigger; use restart to run it again',
}
