import { useCallback, useEffect, useState } from 'preact/hooks'
import { type Route, type RouteChange, changed, routeOf, searchOf } from './router.ts'

export interface Navigation {
  readonly route: Route
  go(change: RouteChange, replace?: boolean): void
  href(change: RouteChange): string
}

/** What the address asks for, and how to ask for something else. */
export function useRoute(): Navigation {
  const [route, setRoute] = useState(() => routeOf(location.search))
  useEffect(() => {
    const onPop = (): void => setRoute(routeOf(location.search))
    window.addEventListener('popstate', onPop)
    return () => window.removeEventListener('popstate', onPop)
  }, [])
  const go = useCallback((change: RouteChange, replace = false) => {
    const next = changed(routeOf(location.search), change)
    const search = searchOf(next)
    if (search !== location.search) history[replace ? 'replaceState' : 'pushState'](null, '', search)
    setRoute(routeOf(search))
  }, [])
  const href = useCallback((change: RouteChange) => searchOf(changed(route, change)), [route])
  return { route, go, href }
}
