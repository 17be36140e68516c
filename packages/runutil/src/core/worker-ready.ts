import { currentContext } from './context.ts'

/**
 * Reports that the calling worker is ready, so that workers `after` it may start. A worker that has no `startTimeout`, and that no
 * other worker is `after`, is ready as soon as it runs and need not call this.
 *
 * Applies to the nearest group entry around the call; a second call, or one outside of any entry, does nothing.
 *
 * @example
 * const database = { name: 'Db', worker: async (signal) => {
 *   const connection = await connect()
 *   workerReady()
 *   await connection.until(signal)
 * } }
 */
export function workerReady(): void {
  currentContext()?.record?.ready()
}
