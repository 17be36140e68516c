import { isAbortOf } from '../core/is-abort-of.ts'
import { toError } from '../core/thrown.ts'
import type { Child } from './child.ts'
import { isUnrestartable, withCause } from './restart-errors.ts'
import { type Exit, judgeExit } from './restart-plan.ts'
import type { WorkerBody } from './worker-body.ts'

/** What the end of a worker's run means for its group. */
export type ExitVerdict =
  | { readonly kind: 'done' }
  /** A temporary one failed: the others go on. */
  | { readonly kind: 'ignored'; readonly error: unknown }
  /** It is restarted, or ends its group. */
  | { readonly kind: 'failed'; readonly exit: Exit }
  /** It ended as it was told to. */
  | { readonly kind: 'stopped' }
  /** It failed when it was told to stop, which is one of the group's failures, or only logged. */
  | { readonly kind: 'stoppedBadly'; readonly error: unknown; readonly isGroups: boolean }

/** How its group stops, if it does. */
export interface GroupStopping {
  readonly isStopping: boolean
  readonly isByCaller: boolean
}

export function judgeEnd(child: Child, exit: Exit, body: WorkerBody, group: GroupStopping): ExitVerdict {
  // Something in it still runs, which is worse than all else.
  if (exit.kind === 'threw' && isUnrestartable(exit.error)) return { kind: 'failed', exit }
  const { failure } = body
  if (failure !== undefined) {
    const isOther = exit.kind === 'threw' && !isAbortOf(body.signal, exit.error)
    return judgeOwn(child, {
      kind: 'threw',
      error: isOther ? withCause(failure, toError(exit.error)) : failure,
    })
  }
  if (body.isStopping || group.isStopping) return judgeStopped(child, exit, body, group)
  return judgeOwn(child, exit)
}

function judgeOwn({ spec }: Child, exit: Exit): ExitVerdict {
  const verdict = judgeExit(spec.restart, exit)
  if (verdict === 'failure') return { kind: 'failed', exit }
  return exit.kind === 'returned' ? { kind: 'done' } : { kind: 'ignored', error: exit.error }
}

function judgeStopped(
  { attempts, spec }: Child,
  exit: Exit,
  { signal }: WorkerBody,
  { isStopping, isByCaller }: GroupStopping,
): ExitVerdict {
  if (exit.kind === 'returned') return { kind: 'stopped' }
  const { error } = exit
  const isGroups = isStopping && attempts === undefined && spec.restart !== 'temporary'
  // A worker that rejects with its signal's reason, as calls given the signal do, has stopped as requested.
  const isExpected = isAbortOf(signal, error) && (isByCaller || !isGroups)
  return isExpected ? { kind: 'stopped' } : { kind: 'stoppedBadly', error, isGroups }
}
