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
  return (
    <nav class="views" aria-label="Views">
      <ul>
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
