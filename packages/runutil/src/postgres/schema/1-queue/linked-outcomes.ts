/** What a call does with a job that it doesn't store. */
export const LINKED = {
  /** The job that is there stays as it is. */
  skipped: 'skipped',
  replaced: 'replaced',
  /** It is there, and the call is to fail. */
  exists: 'exists',
  /** It is there, under another kind. */
  otherKind: 'other kind',
  /** The payload was encoded for another job than the one that is stored or replaced. */
  encodedForAnother: 'encoded for another',
  /** A job that is to run before one of these doesn't exist; the call is to fail. */
  unknown: 'unknown',
  /** A job would run after itself, since others of the call were there already; the call is to fail. */
  circle: 'circle',
} as const
