import { serverNow } from '../api.ts'
import { age, clockTime, time } from '../../format.ts'
import { useLive, useNow } from '../page-context.ts'
import { Mark } from './mark.tsx'

/** The state comes each second: after this long without it, something is wrong. */
const SILENCE_MS = 6_000

/** Whether what is shown is what goes on, and if not, since when. */
export function ConnectionMark() {
  const { connection, since, heardAt, failure } = useLive()
  const now = useNow()
  const atServer = (at: number): number => at + serverNow() - Date.now()
  const silentFor = heardAt === undefined ? 0 : Date.now() - heardAt
  return (
    <span class="connection" role="status">
      {connection === 'connecting' && (
        <Mark tone="busy" shape="dots">
          connecting
        </Mark>
      )}
      {connection === 'open' && silentFor <= SILENCE_MS && (
        <Mark tone="ok" shape="disc">
          live
        </Mark>
      )}
      {connection === 'open' && silentFor > SILENCE_MS && (
        <Mark tone="warn" shape="triangle">
          silent since {clockTime(atServer(heardAt!))}
        </Mark>
      )}
      {connection === 'hidden' && (
        <Mark tone="idle" shape="bars">
          paused while hidden
        </Mark>
      )}
      {connection === 'lost' && (
        <span title={failure?.message}>
          <Mark tone="bad" shape="cross">
            connection lost <span title={time(atServer(since))}>{age(atServer(since), now)}</span>
          </Mark>
        </span>
      )}
    </span>
  )
}
