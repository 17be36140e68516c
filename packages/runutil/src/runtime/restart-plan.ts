export type RestartType = 'permanent' | 'transient' | 'temporary'
export type Strategy = 'one_for_one' | 'rest_for_one' | 'one_for_all'

/** How a worker ended before it was told to. */
export type Exit = { readonly kind: 'returned' } | { readonly kind: 'threw'; readonly error: unknown }

/** What an exit means: it is done, its failure concerns nobody, or it is to be restarted, else an exit for its group. */
export type Verdict = 'done' | 'ignored' | 'failure'

/** As OTP's supervisor judges: a permanent one never ends well, a temporary one harms nobody. */
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

/** Who is stopped and started again along with one of them, in the order of the list; the one itself is among them. */
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
