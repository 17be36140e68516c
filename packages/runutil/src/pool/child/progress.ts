/** Sends what the handler reports; undefined while no task runs that anybody would hear of. */
let send: ((json: string) => void) | undefined

/**
 * Tells the pool how far the task has come that this worker does: any JSON, for `onProgress` of exec. Does nothing where
 * nobody could understand it: outside of a task, and where another program than this package's pool is the parent.
 */
export function reportProgress(value: unknown): void {
  send?.(JSON.stringify({ progress: value ?? null }))
}

/** From the beginning of a task to its end. */
export function setProgress(sender: typeof send): void {
  send = sender
}
