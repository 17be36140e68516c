import { cutToBytes } from '../../core/text.ts'
import type { OpsOptions, ShownPart } from '../ops-options.ts'

/** A longer JSON is shown as a string of its beginning. */
export const MOST_SHOWN_BYTES = 64 * 1024

const FAILED = '[redact failed]'

export interface ShownJob {
  readonly id: string
  readonly kind: string
}

export interface Shown {
  /** JSON; undefined if `redact` left nothing. */
  readonly value: unknown
  /** The length of the JSON, if it was too long, so that `value` is a string of its beginning. */
  readonly truncatedFrom?: number
}

/** A payload or a result as it may be seen. Never throws. @param most in bytes of JSON */
export function shownPart(
  value: unknown,
  job: ShownJob,
  what: ShownPart,
  redact: OpsOptions['redact'],
  most = MOST_SHOWN_BYTES,
): Shown {
  const { json, redacted } = redactedJson(value, job, what, redact)
  if (json === undefined) return { value: undefined }
  const bytes = Buffer.byteLength(json)
  if (bytes <= most) return { value: redacted }
  return { value: cutToBytes(json, most), truncatedFrom: bytes }
}

/** As the fields `NAME`, and of a long one `NAMETruncated` and `NAMEBytes`. */
export function shownFields(name: string, { value, truncatedFrom }: Shown): object {
  if (truncatedFrom === undefined) return value === undefined ? {} : { [name]: value }
  return { [name]: value, [`${name}Truncated`]: true, [`${name}Bytes`]: truncatedFrom }
}

/** The text of an error as it may be seen; of a longer one the beginning. Never throws. */
export function shownError(text: string, job: ShownJob, redact: OpsOptions['redact']): string {
  const { json = '', redacted } = redactedJson(text, job, 'error', redact)
  return cutToBytes(typeof redacted === 'string' ? redacted : json, MOST_SHOWN_BYTES)
}

function redactedJson(
  value: unknown,
  job: ShownJob,
  what: ShownPart,
  redact: OpsOptions['redact'],
): { json: string | undefined; redacted: unknown } {
  try {
    const redacted = redact === undefined ? value : redact(value, { id: job.id, kind: job.kind }, what)
    if (isPromise(redacted)) {
      // Its failure must not be an unhandled rejection.
      redacted.then(undefined, () => {})
      return { json: `"${FAILED}"`, redacted: FAILED }
    }
    return { json: JSON.stringify(redacted), redacted }
  } catch {
    return { json: `"${FAILED}"`, redacted: FAILED }
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}
