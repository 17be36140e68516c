import { useCallback, useState } from 'preact/hooks'
import { toApiError } from './api.ts'
import { usePage } from './page-context.ts'

export interface Calls {
  /** What goes on now, so that nobody asks for it twice. */
  readonly running: string | undefined
  /**
   * Makes a call, and tells what came of it.
   *
   * @param what such as 'pause /Mail/Sender'
   * @param told what its answer means, if that is worth telling; default 'done'
   */
  call<T>(
    what: string,
    make: () => Promise<T>,
    told?: (answer: T) => string | undefined,
  ): Promise<T | undefined>
}

/** Changes that a part of the page asks for, one at a time. */
export function useCall(): Calls {
  const { tell, checkSession } = usePage()
  const [running, setRunning] = useState<string | undefined>(undefined)
  const call = useCallback<Calls['call']>(
    async (what, make, told = () => 'done') => {
      setRunning(what)
      try {
        const answer = await make()
        const text = told(answer)
        if (text !== undefined) tell({ ok: true, text: `${what}: ${text}` })
        return answer
      } catch (error) {
        const { status, message } = toApiError(error)
        tell({ ok: false, text: `${what}: ${message}` })
        // Their session may have ended.
        if (status === 401 || status === 403) checkSession()
        return undefined
      } finally {
        setRunning(undefined)
      }
    },
    [tell],
  )
  return { running, call }
}
