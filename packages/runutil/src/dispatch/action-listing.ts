import { InvalidArgumentError } from '../core/errors.ts'
import { checkOptions, checkText } from '../core/options.ts'
import { wholeNumber } from '../core/whole-number.ts'
import {
  type ActionLedger,
  MOST_LOOKED_AT,
  type OperationHint,
  type RecordPage,
  type RecordPlace,
} from './action-ledger.ts'
import type { Matcher } from './action-query.ts'
import { type Action, toAction } from './action.ts'
import { ErrNoSuchAction } from './errors.ts'

/** Which of the actions that a query finds. */
export interface ActionPage {
  /** The most actions, up to 1,000. Default 50. */
  readonly limit?: number | undefined
  /** The `next` of the page before, or the id of an action: those that were created before it. */
  readonly after?: string | undefined
  /** Ends the reading of a page. */
  readonly signal?: AbortSignal | undefined
}

/** A page of actions. */
export interface ListedActions<I = unknown, O = unknown> {
  readonly actions: Action<I, O>[]
  /** For the next page; undefined when there is none. */
  readonly next?: string
}

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 1_000
/** So often a ledger is asked for a page. */
const MOST_ASKED = 10

interface Listing {
  readonly ledger: ActionLedger
  readonly hint: OperationHint
  readonly matches: Matcher
  readonly page: ActionPage
}

/** @throws InvalidArgumentError; the signal's reason */
export async function listedActions<I, O>({
  ledger,
  hint,
  matches,
  page,
}: Listing): Promise<ListedActions<I, O>> {
  const { limit = DEFAULT_LIMIT, after, signal } = checkOptions('list', page, ['limit', 'after', 'signal'])
  wholeNumber(limit, 'list: limit', { min: 1, max: MAX_LIMIT })
  if (after !== undefined) checkText(after, 'list: after')
  const actions: Action<I, O>[] = []
  let next = after
  for (let asked = 0; asked < MOST_ASKED; asked++) {
    signal?.throwIfAborted()
    const found = await pageOf(ledger, hint, { limit: asked === 0 ? limit : MOST_LOOKED_AT, after: next })
    for (const [at, record] of found.records.entries()) {
      const action = toAction<I, O>(record)
      if (!matches(action)) continue
      const isFull = actions.push(action) === limit
      const isLast = at === found.records.length - 1 && found.next === undefined
      if (isFull) return isLast ? { actions } : { actions, next: record.id }
    }
    next = found.next
    if (next === undefined) return { actions }
  }
  return { actions, next: next! }
}

async function pageOf(ledger: ActionLedger, hint: OperationHint, place: RecordPlace): Promise<RecordPage> {
  try {
    return await ledger.newest(hint, place)
  } catch (error) {
    if (!(error instanceof ErrNoSuchAction)) throw error
    throw new InvalidArgumentError(
      `list: after: expected the 'next' of another page; got '${place.after}', which isn't there any more; start again without after`,
    )
  }
}
