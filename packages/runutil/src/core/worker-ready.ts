import { currentContext } from './context.ts'

/**
 * Said by a worker of itself: it does now what others need it for. Those that come `after` it start; a worker that none
 * comes after, and that has no `startTimeout`, is ready once it runs and needn't say so.
 *
 * It belongs to the nearest entry of a group around the call; a second time, or outside of any, it does nothing.
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
