export type RestartType = 'permanent' | 'transient' | 'temporary'
export type Strategy = 'one_for_one' | 'rest_for_one' | 'one_for_all'

/** How a worker ended before its signal aborted. */
export type Exit = { readonly kind: 'returned' } | { readonly kind: 'threw'; readonly error: unknown }

/** What an exit means: done, a failure without consequences, or a failure that leads to a restart, or else ends its group. */
export type Verdict = 'done' | 'ignored' | 'failure'

/** As in OTP's supervisor: any exit of a permanent worker is a failure, no exit of a temporary one is. */
export function judgeExit(restart: RestartType, exit: Exit): Verdict {
  switch (restart) {
    case 'permanent':
      return 'failure'
    case 'transient':
      return exit.kind === 'returned' ? 'done' : 'failure'
    case 'temporary':
      return exit.kind === 'returned' ? 'done' : 'ignored'
  }
}

/** The workers that are restarted when one fails, itself included, in list order. */
export function restartedWith<T>(strategy: Strategy, all: readonly T[], failed: T): readonly T[] {
  switch (strategy) {
    case 'one_for_one':
      return [failed]
    case 'rest_for_one':
      return all.slice(all.indexOf(failed))
    case 'one_for_all':
      return all
  }
}
