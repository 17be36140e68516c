import type { ComponentChildren } from 'preact'

export interface ActionButtonProps {
  readonly class?: string
  /** While something goes on, it does nothing, but keeps the focus, which a disabled button loses. */
  readonly isBusy: boolean
  readonly describedBy?: string
  act(): void
  readonly children: ComponentChildren
}

/** Changes something. */
export function ActionButton({ class: name, isBusy, describedBy, act, children }: ActionButtonProps) {
  return (
    <button
      type="button"
      class={name}
      aria-disabled={isBusy}
      aria-describedby={describedBy}
      onClick={() => {
        if (!isBusy) act()
      }}
    >
      {children}
    </button>
  )
}
