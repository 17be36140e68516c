/** The views, in the order of the navigation. */
export const VIEWS = ['tree', 'queue', 'units', 'pools', 'actions', 'leases', 'replicas', 'doctor'] as const
export type View = (typeof VIEWS)[number]

/** The filters of a view, by name. What isn't given is absent. */
export type Fields = Readonly<Record<string, string>>

/** What the page shows: all of it is in the address, so that it can be sent to somebody. */
export interface Route {
  readonly view: View
  /** Of which process; undefined: the one that answers. */
  readonly replica: string | undefined
  /** What of the view is shown in detail: a worker's path, the id of a job … */
  readonly selected: string | undefined
  readonly fields: Fields
}

/** What of a route becomes another; undefined takes it away. */
export interface RouteChange {
  readonly view?: View
  readonly replica?: string | undefined
  readonly selected?: string | undefined
  readonly fields?: Fields | undefined
}

const OWN = ['view', 'replica', 'selected']

/** The route in the search part of an address. What it doesn't know in there is a filter of the view. */
export function routeOf(search: string): Route {
  const given = new URLSearchParams(search)
  const view = given.get('view')
  const fields: Record<string, string> = {}
  for (const [name, value] of given) if (!OWN.includes(name) && value !== '') fields[name] = value
  return {
    view: VIEWS.find((one) => one === view) ?? 'tree',
    replica: given.get('replica') || undefined,
    selected: given.get('selected') ?? undefined,
    fields,
  }
}

/** The search part of an address that `routeOf` makes that route of: '?view=tree'. */
export function searchOf({ view, replica, selected, fields }: Route): string {
  const search = new URLSearchParams({ view })
  if (replica !== undefined) search.set('replica', replica)
  for (const [name, value] of Object.entries(fields)) if (value !== '') search.set(name, value)
  if (selected !== undefined) search.set('selected', selected)
  return `?${search.toString()}`
}

/** Another view begins without filters and selection. */
export function changed(route: Route, change: RouteChange): Route {
  const isOther = change.view !== undefined && change.view !== route.view
  const before = isOther ? { ...route, selected: undefined, fields: {} } : route
  return {
    view: change.view ?? before.view,
    replica: 'replica' in change ? change.replica : before.replica,
    selected: 'selected' in change ? change.selected : before.selected,
    fields: change.fields ?? before.fields,
  }
}
