import { unexpected } from '../../core/errors.ts'
import type { ActionPage } from '../../dispatch/action-listing.ts'
import type { ActionQuery } from '../../dispatch/action-query.ts'
import type { Action } from '../../dispatch/action.ts'
import type { AnyManager } from '../ops-options.ts'

/** Where the page of one list begins: after the action of this id, null at its start, false nowhere, since it has ended. */
type Place = string | null | false

/** The next actions of one list, of which some are taken. */
interface Page {
  readonly begin: Place
  readonly actions: readonly Action[]
  readonly next: string | undefined
  taken: number
}

/**
 * A page of several lists, the newest first; of one list in its order, however the clocks of its managers went. Where a list ends
 * early because it would have to look at too many, what it finds later is on a later page.
 *
 * @throws InvalidArgumentError, also for an `after` that is of other lists; the signal's reason
 */
export async function newestOf(
  lists: readonly AnyManager['actions'][],
  query: ActionQuery,
  { limit, after, signal }: ActionPage & { readonly limit: number },
): Promise<{ actions: readonly Action[]; next?: string }> {
  const places = after === undefined ? lists.map(() => null) : placesOf(after, lists.length)
  const pages = await Promise.all(
    lists.map(async (list, at): Promise<Page> => {
      const begin = places[at]!
      if (begin === false) return { begin, actions: [], next: undefined, taken: 0 }
      const { actions, next } = await list.list(query, { limit, after: begin ?? undefined, signal })
      return { begin, actions, next, taken: 0 }
    }),
  )
  const actions = merged(pages, limit)
  const ends = pages.map(endOf)
  return { actions, ...(ends.some((end) => end !== false) && { next: cursorOf(ends) }) }
}

function merged(pages: readonly Page[], limit: number): Action[] {
  const actions: Action[] = []
  while (actions.length < limit) {
    const [newest] = pages
      .filter(({ actions: its, taken }) => taken < its.length)
      .sort((a, b) => headOf(b).createdAt.getTime() - headOf(a).createdAt.getTime())
    if (newest === undefined) break
    actions.push(headOf(newest))
    newest.taken++
  }
  return actions
}

function headOf({ actions, taken }: Page): Action {
  return actions[taken]!
}

function endOf({ begin, actions, next, taken }: Page): Place {
  if (taken === actions.length) return next ?? false
  return taken === 0 ? begin : actions[taken - 1]!.id
}

function cursorOf(places: readonly Place[]): string {
  return Buffer.from(JSON.stringify(places)).toString('base64url')
}

function placesOf(cursor: string, count: number): readonly Place[] {
  const places = parsed(cursor)
  if (Array.isArray(places) && places.length === count && places.every(isPlace)) return places
  throw unexpected('actions: after', "the 'next' of another page", cursor, '; start again without after')
}

function isPlace(place: unknown): place is Place {
  return typeof place === 'string' || place === null || place === false
}

function parsed(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    return undefined
  }
}
