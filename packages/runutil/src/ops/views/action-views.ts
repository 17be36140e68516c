import type { Clock } from '../../core/clock.ts'
import type { ActionPage } from '../../dispatch/action-listing.ts'
import type { ActionQuery } from '../../dispatch/action-query.ts'
import type { Action } from '../../dispatch/action.ts'
import { actionQueryOf } from './action-query-fields.ts'
import { newestOf } from './newest-actions.ts'
import { keyOf, limitOf } from './list-fields.ts'
import type { AnyManager, OpsOptions } from '../ops-options.ts'
import type { Aged, Fields } from './read-model.ts'
import { SharedQueries } from './shared-queries.ts'
import { shownError, shownFields, shownPart } from './shown-part.ts'

const LIMIT = { default: 50, max: 500 }
/** So much of an input and an output is in a list, in bytes of JSON; one action by its id is shown as a job is. */
const MOST_IN_LIST = 2_048

interface ActionRows {
  readonly actions: readonly object[]
  readonly next?: string
}

/** What can be seen of the actions of some managers, the newest first. */
export class ActionViews {
  readonly #managers: readonly AnyManager[]
  readonly #redact: OpsOptions['redact']
  readonly #queries: SharedQueries<ActionRows>

  constructor(managers: AnyManager | readonly AnyManager[], clock: Clock, redact: OpsOptions['redact']) {
    this.#managers = [managers].flat()
    this.#redact = redact
    this.#queries = new SharedQueries(clock, 'actions')
  }

  /** To be called when actions have changed. */
  outdate(): void {
    this.#queries.outdate()
  }

  async list(fields: Fields): Promise<Aged & ActionRows> {
    const query = actionQueryOf(fields)
    const limit = limitOf(fields, 'actions', LIMIT)
    const { value, at, ageMs } = await this.#queries.ask(keyOf(fields), (signal) => {
      return this.#rows(query, { limit, after: fields['after'] || undefined, signal })
    })
    return { at, ageMs, ...value }
  }

  async #rows(query: ActionQuery, page: ActionPage & { limit: number }): Promise<ActionRows> {
    const { id } = query
    if (typeof id === 'string') return { actions: await this.#byId(id) }
    const lists = this.#managers.map(({ actions }) => actions)
    const { actions, next } = await newestOf(lists, query, page)
    return {
      actions: actions.map((action) => this.#row(action, MOST_IN_LIST)),
      ...(next !== undefined && { next }),
    }
  }

  async #byId(id: string): Promise<object[]> {
    const found = await Promise.all(this.#managers.map(({ actions }) => actions.get(id)))
    return found.flatMap((action) => (action === undefined ? [] : this.#row(action)))
  }

  #row({ input, output, error, ...action }: Action, most?: number): object {
    const { id, operation: kind } = action
    const redact = this.#redact
    return {
      ...action,
      ...shownFields('input', shownPart(input, { id, kind }, 'payload', redact, most)),
      ...(output !== undefined &&
        shownFields('output', shownPart(output, { id, kind }, 'result', redact, most))),
      ...(error !== undefined && { error: shownError(error, { id, kind }, redact) }),
    }
  }
}
