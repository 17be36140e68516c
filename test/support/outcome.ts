/** What a promise rejects with; fails when it resolves. */
export async function failureOf<E = Error>(promise: Promise<unknown>): Promise<E> {
  const resolved = Symbol('resolved')
  const outcome = await promise.then(
    () => resolved,
    (error: unknown) => error,
  )
  if (outcome === resolved) throw new Error('expected a rejection; it resolved')
  return outcome as E
}

/** Follows a promise, to see whether it has settled and how. */
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

/** What a worker does that runs until it is told to stop. */
export function untilAbort(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
