import { useCallback, useEffect, useState } from 'preact/hooks'
import { type Session, get, remove, toApiError } from './api.ts'
import type { Failure } from './failure.ts'

export interface KnownSession {
  /** Undefined until it is known. */
  readonly session: Session | undefined
  /** Why it isn't. */
  readonly failure: Failure | undefined
  reload(): void
  signOut(): Promise<void>
}

const RETRY_MS = 3_000

/** Who uses the page. */
export function useSession(): KnownSession {
  const [session, setSession] = useState<Session | undefined>(undefined)
  const [failure, setFailure] = useState<Failure | undefined>(undefined)
  const reload = useCallback((): void => {
    const ask = async (): Promise<void> => {
      try {
        setSession(await get<Session>('session'))
        setFailure(undefined)
      } catch (error) {
        setFailure(toApiError(error))
      }
    }
    void ask()
  }, [])
  useEffect(reload, [])
  useEffect(() => {
    if (session !== undefined || failure === undefined) return undefined
    const timer = setTimeout(reload, RETRY_MS)
    return () => clearTimeout(timer)
  }, [failure])
  const signOut = useCallback(async () => {
    await remove('session').catch(() => {})
    reload()
  }, [])
  return { session, failure, reload, signOut }
}
