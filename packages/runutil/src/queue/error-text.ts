import { asciiText, storableText } from '../core/text.ts'
import { messageOf, codeOf } from '../core/thrown.ts'

/** An error's text as every store can keep it: at most 64 KiB, no NUL, no half of a surrogate pair. */
export function errorText(text: string): string {
  return storableText(text)
}

const LONGEST_REASON = 2_000

/** Why a store refused an outcome, in ASCII, which every encoding has. @param status the outcome's status */
export function refusalText(status: string, error: unknown): string {
  const code = codeOf(error)
  const said = `${messageOf(error).slice(0, LONGEST_REASON)}${code === undefined ? '' : ` (${code})`}`
  return asciiText(`panic: the store refused the outcome ${status}: ${said}`)
}
