import { toJson } from '../../core/json.ts'

/** Sends the handler's reports; undefined unless a task is running whose pool can receive them. */
let send: ((json: string) => void) | undefined

/**
 * Reports the progress of the running task to the pool: any JSON, for `onProgress` of exec. Does nothing outside of a task, or
 * when the parent isn't a pool of this package. Code that goes on after its task uses the one that its handler was given: this one
 * would report for the next task.
 *
 * @throws InvalidArgumentError for what isn't JSON
 */
export function reportProgress(value: unknown): void {
  if (send === undefined) return
  const json = value === undefined ? 'null' : toJson(value, 'reportProgress: value')
  send(`{"progress":${json}}`)
}

/** Called at the start and the end of each task. */
export function setProgress(sender: typeof send): void {
  send = sender
}
