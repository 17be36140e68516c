import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { get, toApiError } from './api.ts'
import type { Failure } from './failure.ts'
import type { Fields } from './router.ts'

/** Something of the API. */
export interface Loaded<T> {
  /** As it was last answered; of another address it is undefined again. */
  readonly value: T | undefined
  /** Why it isn't known now. With a value, that is an old one. */
  readonly failure: Failure | undefined
  /** When the value came, by the clock of the browser. */
  readonly heardAt: number | undefined
  readonly isLoading: boolean
  /** Asks again now. */
  reload(): void
}

interface Answered<T> {
  readonly key: string
  readonly value?: T | undefined
  readonly heardAt?: number | undefined
  readonly failure?: Failure | undefined
}

/**
 * Asks the API for something, and again `everyMs` after each answer while the page is seen: what takes long is not asked for twice.
 *
 * @param path undefined: nothing
 */
export function useLoaded<T>(path: string | undefined, fields: Fields = {}, everyMs = 5_000): Loaded<T> {
  const key = path === undefined ? '' : `${path}?${new URLSearchParams(fields).toString()}`
  const [answered, setAnswered] = useState<Answered<T>>({ key })
  const [isLoading, setLoading] = useState(false)
  const now = useRef<() => void>(() => {})
  useEffect(() => {
    if (path === undefined) return undefined
    const ending = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    let isAsking = false
    const ask = async (): Promise<void> => {
      clearTimeout(timer)
      if (isAsking || document.hidden) return
      isAsking = true
      setLoading(true)
      const answer = await asked<T>(path, fields, ending.signal)
      if (ending.signal.aborted) return
      isAsking = false
      setLoading(false)
      setAnswered((before) => ({ key, ...(before.key === key && before), ...answer }))
      timer = setTimeout(() => void ask(), everyMs)
    }
    const onShown = (): void => void ask()
    now.current = onShown
    onShown()
    document.addEventListener('visibilitychange', onShown)
    return () => {
      ending.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', onShown)
    }
  }, [key, everyMs])
  const reload = useCallback(() => now.current(), [])
  const { value, failure, heardAt } = answered.key === key ? answered : {}
  return { value, failure, heardAt, isLoading, reload }
}

async function asked<T>(
  path: string,
  fields: Fields,
  signal: AbortSignal,
): Promise<Omit<Answered<T>, 'key'>> {
  try {
    return { value: await get<T>(path, fields, signal), heardAt: Date.now(), failure: undefined }
  } catch (error) {
    return { failure: toApiError(error) }
  }
}
