import type { Clock } from '../../core/clock.ts'
import { InvalidArgumentError } from '../../core/errors.ts'
import type { ActionQuery } from '../../dispatch/action-query.ts'
import type { Action } from '../../dispatch/action.ts'
import { actionQueryOf } from './action-query-fields.ts'
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

/** What can be seen of the actions of some managers: those of the first manager first, and of each the oldest first. */
export class ActionViews {
  readonly #managers: readonly AnyManager[]
  readonly #redact: OpsOptions['redact']
  readonly #queries: SharedQueries<ActionRows>

  constructor(managers: AnyManager | readonly AnyManager[], clock: Clock, redact: OpsOptions['redact']) {
    this.#managers = [managers].flat()
    this.#redact = redact
    this.#queries = new SharedQueries(clock, 'actions')
  }

  async list(fields: Fields): Promise<Aged & ActionRows> {
    const query = actionQueryOf(fields)
    const limit = limitOf(fields, 'actions', LIMIT)
    const { value, at, ageMs } = await this.#queries.ask(keyOf(fields), (signal) => {
      return this.#rows(query, limit, fields['after'] || undefined, signal)
    })
    return { at, ageMs, ...value }
  }

  async #rows(
    query: ActionQuery,
    limit: number,
    after: string | undefined,
    signal: AbortSignal,
  ): Promise<ActionRows> {
    const { id } = query
    if (typeof id === 'string') return { actions: await this.#byId(id) }
    const found: Action[] = []
    let isPast = after === undefined
    for (const { actions } of this.#managers) {
      for await (const action of actions.search(query, { signal })) {
        if (!isPast) isPast = action.id === after
        else if (found.push(action) > limit) return this.#page(found, limit)
      }
    }
    if (!isPast) throw gone()
    return this.#page(found, limit)
  }

  async #byId(id: string): Promise<object[]> {
    const found = await Promise.all(this.#managers.map(({ actions }) => actions.get(id)))
    return found.flatMap((action) => (action === undefined ? [] : this.#row(action)))
  }

  #page(found: readonly Action[], limit: number): ActionRows {
    const shown = found.slice(0, limit)
    const actions = shown.map((action) => this.#row(action, MOST_IN_LIST))
    return { actions, ...(found.length > limit && { next: shown.at(-1)!.id }) }
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

function gone(): InvalidArgumentError {
  return new InvalidArgumentError(
    `actions: after: expected the 'next' of a page of the same query; got an action that isn't found; start again without after`,
  )
}
