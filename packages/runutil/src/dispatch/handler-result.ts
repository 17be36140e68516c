import { storableText } from '../core/text.ts'
import { messageOf } from '../core/thrown.ts'
import { LOST } from './action.ts'

/** The result of calling a task's handler. */
export type HandlerResult =
  | { readonly kind: 'returned' }
  | { readonly kind: 'threw'; readonly error: Error }
  /** The handler was not called: its worker had been closed or lost. */
  | { readonly kind: 'not called' }

/** How an action ends. */
export interface Ending {
  readonly status: 'succeeded' | 'failed'
  readonly error?: string
}

/** What a result means for the action of the task. */
export function judge(result: HandlerResult): Ending {
  switch (result.kind) {
    case 'returned':
      return { status: 'succeeded' }
    case 'threw':
      return { status: 'failed', error: storableText(messageOf(result.error)) }
    case 'not called':
      return LOST
    default:
      return result satisfies never
  }
}
