import { currentContext } from './context.ts'
import { unexpected } from './errors.ts'

/**
 * Reports how far the running job of a queue, the task of a CoordinateWorker, the action of a Manager's worker, or the run of a
 * `repeat`, `cron` or leased worker has got. The runtime's tree shows the last report; that of a job is stored with the renewal of
 * its lease. Does nothing outside of these.
 *
 * @param total how much there is to do in all, if that is known
 * @param note what is being done, for people
 * @throws InvalidArgumentError when a number is negative, infinite or NaN
 * @example
 * for (const [done, row] of rows.entries()) {
 *   reportProgress(done, rows.length)
 *   await copy(row)
 * }
 */
export function reportProgress(done: number, total?: number, note?: string): void {
  checkAmount('done', done)
  if (total !== undefined) checkAmount('total', total)
  if (note !== undefined && typeof note !== 'string') throw unexpected('reportProgress: note', 'a text', note)
  currentContext()?.reported(done, total, note)
}

function checkAmount(name: string, amount: unknown): void {
  if (Number.isFinite(amount) && (amount as number) >= 0) return
  throw unexpected(`reportProgress: ${name}`, 'a finite number of 0 or more', amount)
}
