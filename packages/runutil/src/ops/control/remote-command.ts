import type { WorkerVerb } from './control.ts'
import { OpsError } from '../ops-error.ts'

/** What one process may ask another one to do: a call that concerns its workers. */
export type RemoteCommand =
  | { readonly of: 'worker'; readonly path: string; readonly verb: WorkerVerb }
  | { readonly of: 'pool'; readonly path: string; readonly verb: 'reset' }

export const WORKER_VERBS: readonly WorkerVerb[] = ['pause', 'resume', 'trigger', 'stop', 'start', 'restart']

/** @throws OpsError for what isn't a command: another version of runutil may have sent it */
export function remoteCommandOf(value: unknown): RemoteCommand {
  const { of, path, verb } = (typeof value === 'object' && value !== null ? value : {}) as Record<
    string,
    unknown
  >
  if (typeof path === 'string') {
    if (of === 'pool' && verb === 'reset') return { of, path, verb }
    if (of === 'worker' && WORKER_VERBS.includes(verb as WorkerVerb))
      return { of, path, verb: verb as WorkerVerb }
  }
  throw new OpsError(
    400,
    'bad-request',
    'this process does not know such a command; it runs another version of runutil',
  )
}
