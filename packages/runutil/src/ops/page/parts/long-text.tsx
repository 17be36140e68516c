import { bytes, count, firstLine } from '../../format.ts'

export interface LongTextProps {
  readonly label: string
  readonly text: string
  /** How long all of it is, in bytes, if this is its beginning. */
  readonly wholeBytes?: number | undefined
}

/** Text of any length in a box of its own, with its size. */
export function LongText({ label, text, wholeBytes }: LongTextProps) {
  const size = new Blob([text]).size
  return (
    <figure class="long-text">
      <figcaption>
        {label}
        <span class="dim">
          {wholeBytes === undefined ? bytes(size) : `shown: the first ${bytes(size)} of ${bytes(wholeBytes)}`}
        </span>
      </figcaption>
      <pre tabIndex={0} aria-label={label}>
        {text}
      </pre>
    </figure>
  )
}

/** Of text its first line; the rest on demand. */
export function FirstLine({ text }: { readonly text: string }) {
  const line = firstLine(text)
  if (line.length === text.length && text.length < 160) return <span class="error-text">{text}</span>
  return (
    <details class="more-text">
      <summary class="error-text">{line}</summary>
      <pre tabIndex={0} aria-label={`All ${count(text.length)} characters`}>
        {text}
      </pre>
    </details>
  )
}
