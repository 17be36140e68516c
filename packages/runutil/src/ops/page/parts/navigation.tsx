import { useEffect, useRef } from 'preact/hooks'
import { usePage } from '../page-context.ts'
import { VIEWS, type View } from '../router.ts'
import { Link } from './link.tsx'

export const TITLES: Readonly<Record<View, string>> = {
  tree: 'Tree',
  queue: 'Queue',
  units: 'Units',
  pools: 'Pools',
  actions: 'Actions',
  leases: 'Leases',
  replicas: 'Replicas',
  doctor: 'Doctor',
}

export function Navigation() {
  const { view } = usePage().route
  const list = useRef<HTMLUListElement>(null)
  useEffect(() => {
    // On a narrow screen, the list of views is wider than that.
    const current = list.current?.querySelector('[aria-current]')
    current?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [view])
  return (
    <nav class="views" aria-label="Views">
      <ul ref={list}>
        {VIEWS.map((one) => (
          <li key={one}>
            <Link
              to={one === view ? { fields: {}, selected: undefined } : { view: one }}
              isCurrent={one === view}
            >
              {TITLES[one]}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}
