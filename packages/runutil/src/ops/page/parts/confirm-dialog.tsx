import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

/** What is asked before something is done that can't be undone. */
export interface Question {
  readonly title: string
  readonly text: ComponentChildren
  /** What the button says: a verb. */
  readonly action: string
  /** Whether nothing is lost by it. */
  readonly isSafe?: boolean
}

export interface ConfirmDialogProps extends Question {
  answer(isYes: boolean): void
}

/** Asks; Esc is no. */
export function ConfirmDialog({ title, text, action, isSafe, answer }: ConfirmDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  // The browser gives the focus back to where it was.
  const close = (value: string): void => dialog.current?.close(value)
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby="confirm-title"
      onClose={(event) => answer(event.currentTarget.returnValue === 'yes')}
    >
      <h2 id="confirm-title">{title}</h2>
      <div class="dialog-text">{text}</div>
      <div class="buttons">
        {/* The first has the focus: Enter must not destroy anything. */}
        <button type="button" onClick={() => close('no')}>
          Back
        </button>
        <button type="button" class={isSafe === true ? 'primary' : 'danger'} onClick={() => close('yes')}>
          {action}
        </button>
      </div>
    </dialog>
  )
}
