/** Cleanup to run when this process exits, except by SIGKILL. */
const actions = new Set<() => void>()

/** Runs `action` when the process exits; it must be synchronous. @returns a function that removes it */
export function atExit(action: () => void): () => void {
  // A new function for each call, so that the same action may be added twice.
  const own = (): void => action()
  if (actions.size === 0) process.on('exit', runAll)
  actions.add(own)
  return () => {
    if (actions.delete(own) && actions.size === 0) process.off('exit', runAll)
  }
}

function runAll(): void {
  for (const action of actions) action()
}
