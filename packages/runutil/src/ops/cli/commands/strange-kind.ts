import { nearest } from '../../../core/options.ts'
import type { State } from '../../views/read-model.ts'
import type { ApiClient } from '../api-client.ts'
import type { KindList } from './kinds.ts'

/**
 * A warning for a kind that nobody is known to have, which is probably misspelt, or a worker's name without its slash. A kind may be
 * paused before its first job comes, so it is no error; nor is it one that this can't be found out.
 */
export async function strangeKind(what: string, api: ApiClient): Promise<string | undefined> {
  const asked = Promise.all([api.get<KindList>('kinds'), api.get<State>('state')])
  const [list, state] = await asked.catch(() => [])
  if (list === undefined || state === undefined) return undefined
  const kinds = new Set([
    ...list.kinds.map(({ kind }) => kind),
    ...Object.values(state.workers).flatMap(kindsOf),
  ])
  if (kinds.has(what)) return undefined
  const path = Object.keys(state.workers).find((path) => path.endsWith(`/${what}`))
  const meant = path ?? nearest(what, [...kinds])
  const hint = meant === undefined ? '' : `; did you mean '${meant}'?`
  return `warning: no job of the kind ${what} is known, nor does a worker of this process have it${hint}`
}

/** The kinds of a queue's worker. */
function kindsOf({ detail }: State['workers'][string]): readonly string[] {
  return (detail as { readonly kinds?: readonly string[] } | undefined)?.kinds ?? []
}
