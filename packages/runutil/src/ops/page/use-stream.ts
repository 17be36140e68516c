import { useEffect, useReducer } from 'preact/hooks'
import { type Live, type LiveEvent, afterEvent, noLive } from './live.ts'
import { Stream } from './stream.ts'

export interface UseStreamProps {
  readonly replica: string | undefined
  /** Names of lists, with commas between them. */
  readonly watch: string
  /** Nothing is followed before somebody may read. */
  readonly isOn: boolean
  refused(): void
}

const step = (live: Live, event: LiveEvent): Live => afterEvent(live, event, Date.now())

/** What goes on in a process, from now on. */
export function useStream({ replica, watch, isOn, refused }: UseStreamProps): Live {
  const [live, heard] = useReducer(step, undefined, () => noLive(Date.now()))
  useEffect(() => heard({ type: 'forget' }), [replica])
  useEffect(() => {
    if (!isOn) return undefined
    const stream = new Stream({ replica, watch: watch.split(','), heard, refused })
    return () => stream.close()
  }, [replica, watch, isOn])
  return live
}
