import type { ComponentChildren } from 'preact'
import { usePage } from '../page-context.ts'
import type { RouteChange } from '../router.ts'

export interface LinkProps {
  readonly to: RouteChange
  readonly class?: string
  readonly isCurrent?: boolean
  readonly children: ComponentChildren
}

/** Leads to something else in the page; opens in another tab where that is asked for. */
export function Link({ to, isCurrent, children, class: name }: LinkProps) {
  const { href, go } = usePage()
  const onClick = (event: MouseEvent): void => {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    go(to)
  }
  return (
    <a class={name} href={href(to)} aria-current={isCurrent === true ? 'page' : undefined} onClick={onClick}>
      {children}
    </a>
  )
}
