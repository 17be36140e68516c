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
   * @param told what its answer means; default 'done'
   */
  call<T>(what: string, make: () => Promise<T>, told?: (answer: T) => string): Promise<T | undefined>
}

/** Changes that a part of the page asks for, one at a time. */
export function useCall(): Calls {
  const { tell } = usePage()
  const [running, setRunning] = useState<string | undefined>(undefined)
  const call = useCallback<Calls['call']>(
    async (what, make, told = () => 'done') => {
      setRunning(what)
      try {
        const answer = await make()
        tell({ ok: true, text: `${what}: ${told(answer)}` })
        return answer
      } catch (error) {
        tell({ ok: false, text: `${what}: ${toApiError(error).message}` })
        return undefined
      } finally {
        setRunning(undefined)
      }
    },
    [tell],
  )
  return { running, call }
}
