import type { Action } from '../../../dispatch/action.ts'
import type { Aged, AsJson } from '../../views/read-model.ts'

/** An action, as the API shows it: of what is long, the beginning as text. */
export interface ShownAction extends AsJson<Action> {
  readonly inputBytes?: number
  readonly outputBytes?: number
}

export interface ActionPage extends Aged {
  readonly actions: readonly ShownAction[]
  readonly next?: string
}

/** What a filter of the page is called in the API, where it isn't the same. */
const NAMES: Readonly<Record<string, string>> = { errorContains: 'error.contains', within: 'createdAt.gte' }

/** Their names in the address. */
export const ACTION_FILTERS = ['operation', 'status', 'target', 'host', 'errorContains', 'within', 'where']

const MINUTE = 60_000
/** By how long ago an action was created, in ms. */
export const WITHIN: Readonly<Record<string, number>> = {
  '15 minutes': 15 * MINUTE,
  '1 hour': 60 * MINUTE,
  '24 hours': 1_440 * MINUTE,
  '7 days': 10_080 * MINUTE,
}

/**
 * What the filters in the address ask the API for. `where` has conditions as the API takes them, with an & between:
 * 'input.url.startsWith=https&output.size.gt=5'.
 *
 * @param now in ms since the epoch; 'within' counts in whole minutes, so that pages of one query stay those of one query
 */
export function actionQueryOf(fields: Readonly<Record<string, string>>, now: number): Record<string, string> {
  const query: Record<string, string> = {}
  for (const name of ACTION_FILTERS) {
    const value = fields[name]
    if (value === undefined || name === 'where') continue
    query[NAMES[name] ?? name] = value
  }
  const within = WITHIN[fields['within'] ?? '']
  delete query['createdAt.gte']
  if (within !== undefined) {
    query['createdAt.gte'] = new Date(Math.floor(now / MINUTE) * MINUTE - within).toISOString()
  }
  for (const condition of (fields['where'] ?? '').split('&')) {
    const [name = '', ...value] = condition.split('=')
    if (name.trim() !== '') query[name.trim()] = value.join('=').trim()
  }
  return query
}

/** Of the conditions of `where`, one that asks for nothing. */
export function unfinishedIn(where = ''): string | undefined {
  return where.split('&').find((condition) => !/^[^=]+=./.test(condition.trim()) && condition.trim() !== '')
}

/** As it may be read: JSON with line breaks; a string that was cut is the beginning of JSON. */
export function readable(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value, undefined, 2)
}

/** In one line of a table. */
export function brief(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 200 ? `${text.slice(0, 199)}…` : text
}
