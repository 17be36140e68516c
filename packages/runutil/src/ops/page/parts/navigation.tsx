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
  const box = useRef<HTMLElement>(null)
  useEffect(() => showCurrent(box.current), [view])
  return (
    <nav class="views" aria-label="Views" ref={box}>
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

/** On a narrow screen, the list of views is wider than that. After `scrollIntoView`, Tab would begin there and pass by what is before. */
function showCurrent(box: HTMLElement | null): void {
  const current = box?.querySelector('[aria-current]')?.getBoundingClientRect()
  const shown = box?.getBoundingClientRect()
  if (box === null || current === undefined || shown === undefined) return
  if (current.left < shown.left || current.right > shown.right) box.scrollLeft += current.left - shown.left
}
