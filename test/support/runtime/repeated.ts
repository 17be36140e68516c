/** A repeat, and how long its runs take. */
export interface Repeated {
  readonly everyMs: number
  readonly startImmediately: boolean
  /** The durations of the runs, repeated cyclically. */
  readonly lengths: readonly number[]
}

export function lengthOf(run: number, lengths: readonly number[]): number {
  return lengths[run % lengths.length]!
}
