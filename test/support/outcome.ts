/** The reason with which a promise rejects; throws if it resolves. */
export async function failureOf<E = Error>(promise: Promise<unknown>): Promise<E> {
  const resolved = Symbol('resolved')
  const outcome = await promise.then(
    () => resolved,
    (error: unknown) => error,
  )
  if (outcome === resolved) throw new Error('expected a rejection; it resolved')
  return outcome as E
}

/** Tracks whether and how a promise has settled. */
export function follow(promise: Promise<unknown>): {
  settled: 'no' | 'resolved' | 'rejected'
  error?: unknown
} {
  const state: ReturnType<typeof follow> = { settled: 'no' }
  promise.then(
    () => (state.settled = 'resolved'),
    (error: unknown) => Object.assign(state, { settled: 'rejected', error }),
  )
  return state
}

/** The body of a worker that runs until its signal aborts. */
export function untilAbort(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
