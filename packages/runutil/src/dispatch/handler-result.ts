import { storableText } from '../core/text.ts'
import { messageOf } from '../core/thrown.ts'
import { LOST } from './action.ts'

/** What came of giving a task to its handler. */
export type HandlerResult =
  | { readonly kind: 'returned' }
  | { readonly kind: 'threw'; readonly error: Error }
  /** It was not called: its worker was closed or lost before. */
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
