import type { WorkerVerb } from '../../control/control.ts'
import type { StateNode } from '../../views/read-model.ts'

/** What the page has buttons for; 'reset' is of pools. */
export type PageVerb = WorkerVerb | 'reset'

/** What can be done with a worker. */
export function verbsOf(path: string, { kind, state, detail }: StateNode): readonly PageVerb[] {
  // The whole run, and groups by class, have no controls.
  if (path === '' || kind === 'class') return []
  if (state === 'stopped' || state === 'done' || state === 'failed') return ['start']
  const isLeased = typeof detail === 'object' && detail !== null && 'lease' in detail
  const hasRuns = (kind === 'repeat' || kind === 'cron') && !isLeased
  const pause = state === 'paused' ? 'resume' : 'pause'
  const canPause = hasRuns || kind === 'queue' || kind === 'coordinate' || state === 'paused'
  const verbs: PageVerb[] = canPause ? [pause] : []
  if (hasRuns) verbs.push('trigger')
  if (kind === 'pool') verbs.push('reset')
  return [...verbs, 'restart', 'stop']
}
