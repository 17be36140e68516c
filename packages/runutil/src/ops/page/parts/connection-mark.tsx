import { serverNow } from '../api.ts'
import { age, clockTime, time } from '../../format.ts'
import type { Connection } from '../live.ts'
import { useLive, useNow } from '../page-context.ts'
import { Mark, type MarkProps } from './mark.tsx'

/** The state comes each second: after this long without it, something is wrong. */
const SILENCE_MS = 6_000

/** Whether what is shown is what goes on, and if not, since when. */
export function ConnectionMark() {
  const { connection, since, heardAt, failure } = useLive()
  const now = useNow()
  const isSilent = connection === 'open' && heardAt !== undefined && Date.now() - heardAt > SILENCE_MS
  const atServer = (at: number): number => at + serverNow() - Date.now()
  return (
    <span class="connection" title={failure?.message}>
      {/* Without the time, which would be read out each second. */}
      <span role="status">
        <Mark {...(isSilent ? SILENT : MARKS[connection])} />
      </span>
      {isSilent && ` since ${clockTime(atServer(heardAt))}`}
      {connection === 'lost' && <span title={time(atServer(since))}> {age(atServer(since), now)}</span>}
    </span>
  )
}

const MARKS: Readonly<Record<Connection, MarkProps>> = {
  connecting: { tone: 'busy', shape: 'dots', children: 'connecting' },
  open: { tone: 'ok', shape: 'disc', children: 'live' },
  hidden: { tone: 'idle', shape: 'bars', children: 'paused while hidden' },
  lost: { tone: 'bad', shape: 'cross', children: 'connection lost' },
}

const SILENT: MarkProps = { tone: 'warn', shape: 'triangle', children: 'silent' }
