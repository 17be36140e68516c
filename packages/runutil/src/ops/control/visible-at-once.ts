import type { Concern } from '../views/read-model.ts'
import type { Control, Done } from './control.ts'

/**
 * The same control, whose changes are told of before their callers have the answer: who then asks for what they changed sees it. Also of
 * those that failed, which may have changed something; not of a dry run.
 *
 * @param changed called after each call
 */
export function visibleAtOnce(control: Control, changed: (concern: Concern) => void): Control {
  const then = (call: Promise<Done>, concern: Concern): Promise<Done> => call.finally(() => changed(concern))
  return {
    worker: (...call) => then(control.worker(...call), 'workers'),
    pool: (...call) => then(control.pool(...call), 'workers'),
    job: (...call) => then(control.job(...call), 'jobs'),
    jobs: (verb, asked, by) => {
      const call = control.jobs(verb, asked, by)
      return isDryRun(asked) ? call : then(call, 'jobs')
    },
    kind: (...call) => then(control.kind(...call), 'jobs'),
    spec: (...call) => then(control.spec(...call), 'specs'),
  }
}

function isDryRun(asked: unknown): boolean {
  return (asked as { dryRun?: unknown } | undefined)?.dryRun === true
}
