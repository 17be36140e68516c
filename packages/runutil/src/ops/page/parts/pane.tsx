import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { usePage } from '../page-context.ts'

export interface PaneProps {
  /** What it shows, in words of the view: 'Worker'. */
  readonly label: string
  readonly title: string
  /** Beneath the title. */
  readonly subtitle?: ComponentChildren
  readonly children: ComponentChildren
}

/** All that is known of what is selected, beside the list; on a narrow screen in its place. Esc closes it. */
export function Pane({ label, title, subtitle, children }: PaneProps) {
  const { go } = usePage()
  const heading = useRef<HTMLHeadingElement>(null)
  const close = (): void => {
    const row = document.querySelector<HTMLElement>('[aria-selected="true"]')
    go({ selected: undefined })
    row?.focus()
  }
  useEffect(() => {
    // The list, and the focus with it, is hidden on a narrow screen.
    if (heading.current !== null && document.querySelector('.list')?.checkVisibility?.() === false) {
      heading.current.focus()
    }
  }, [title])
  return (
    <aside class="pane" aria-label={label} onKeyDown={(event) => event.key === 'Escape' && close()}>
      <header class="pane-head">
        <div>
          <p class="dim">{label}</p>
          <h2 ref={heading} tabIndex={-1}>
            {title}
          </h2>
          {subtitle}
        </div>
        <button type="button" class="quiet" aria-label="Close the details" onClick={close}>
          ✕
        </button>
      </header>
      {children}
    </aside>
  )
}

/** A list, and beside it what is selected of it. */
export function ListAndPane({
  list,
  pane,
}: {
  readonly list: ComponentChildren
  readonly pane: ComponentChildren | undefined
}) {
  return (
    <div class={pane === undefined ? 'split' : 'split with-pane'}>
      <div class="list">{list}</div>
      {pane}
    </div>
  )
}
