import type { ComponentChildren } from 'preact'
import type { Failure } from '../failure.ts'
import { Mark } from './mark.tsx'

/** In the place of what isn't there: why, and what to do about it. */
export function Notice({
  title,
  children,
}: {
  readonly title: string
  readonly children?: ComponentChildren
}) {
  return (
    <div class="notice">
      <p class="notice-title">{title}</p>
      {children !== undefined && <div class="notice-text">{children}</div>}
    </div>
  )
}

/** Why something isn't known. What the server wasn't given is no error. */
export function FailureNotice({ failure }: { readonly failure: Failure }) {
  if (failure.code === 'not-given') return <Notice title="Nothing to show here">{failure.message}</Notice>
  return (
    <div class="notice bad" role="alert">
      <Mark tone="bad" shape="triangle">
        {failure.message}
      </Mark>
    </div>
  )
}
