/** What must not outlive this process, however it exits by itself: of a SIGKILL it hears nothing. */
const actions = new Set<() => void>()

/** Has `action` run when the process exits; it must not wait for anything. @returns takes it back */
export function atExit(action: () => void): () => void {
  // Own to each call, so that one function may be given twice.
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
