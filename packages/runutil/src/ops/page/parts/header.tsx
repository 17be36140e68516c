import type { AsJson } from '../../views/read-model.ts'
import type { Replica } from '../../replicas/replica-store.ts'
import { instant, time } from '../../format.ts'
import { useLive, useNow, usePage } from '../page-context.ts'
import { For } from './age.tsx'
import { ConnectionMark } from './connection-mark.tsx'

/** Which program this is, which of its processes is shown, and how it is followed. */
export function Header() {
  const { session, signOut, askToken } = usePage()
  return (
    <header class="top">
      <RunName />
      <ConnectionMark />
      <div class="top-end">
        {session.role === 'read' && <span class="badge">read-only</span>}
        {session.session ? (
          <button type="button" class="quiet" onClick={() => void signOut()}>
            Sign out
          </button>
        ) : (
          session.role === 'read' &&
          session.tokens && (
            <button type="button" class="quiet" onClick={askToken}>
              Sign in
            </button>
          )
        )}
      </div>
    </header>
  )
}

/** The processes, as the stream brings them. */
function useReplicas(): readonly AsJson<Replica>[] {
  return (useLive().lists['replicas']?.value?.['replicas'] ?? []) as readonly AsJson<Replica>[]
}

function RunName() {
  const { route, go } = usePage()
  const { state } = useLive()
  const replicas = useReplicas()
  const shown = replicas.find(({ id }) => id === (route.replica ?? state?.replica))
  const isUnknown = route.replica !== undefined && !replicas.some(({ id }) => id === route.replica)
  const isChoice = replicas.length > 1 || isUnknown
  return (
    <div class="run">
      <span class="brand" aria-hidden="true">
        ◆
      </span>
      {isChoice ? (
        <label class="run-choice">
          <span class="hidden">Process</span>
          <select
            value={route.replica ?? ''}
            onChange={(event) => go({ replica: event.currentTarget.value || undefined })}
          >
            <option value="">
              {shown === undefined || route.replica !== undefined ? 'this process' : nameOf(shown)}
            </option>
            {isUnknown && <option value={route.replica}>{route.replica}</option>}
            {replicas
              .filter(({ id }) => id !== state?.replica || route.replica !== undefined)
              .map((replica) => (
                <option key={replica.id} value={replica.id}>
                  {nameOf(replica)}
                </option>
              ))}
          </select>
        </label>
      ) : (
        <strong class="run-name">{shown?.name ?? 'runutil'}</strong>
      )}
      {shown !== undefined && (
        <span class="dim run-facts">
          {!isChoice && `pid ${shown.pid} · `}
          {shown.host !== shown.name && `on ${shown.host} · `}up <For since={shown.startedAt} />
        </span>
      )}
    </div>
  )
}

function nameOf({ name, pid, lost }: AsJson<Replica>): string {
  return `${name} · pid ${pid}${lost ? ' · lost' : ''}`
}

const LATE_MS = 15_000

/** What to say of a process whose state comes late; undefined if it doesn't. */
export function useLateness(): string | undefined {
  const { state, stateFailure } = useLive()
  const now = useNow()
  const at = instant(state?.at)
  if (stateFailure !== undefined) return stateFailure.message
  if (at === undefined || now - at < LATE_MS) return undefined
  return `the last that is known of this process is from ${time(at)}`
}
