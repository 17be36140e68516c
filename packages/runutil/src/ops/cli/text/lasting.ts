import { duration, instant } from '../../format.ts'

/** How long it is since a time, in whole seconds; '' for none. @param now in ms since the epoch */
export function lastingSince(at: string | undefined, now: number): string {
  const ms = instant(at)
  // That of a run that hasn't begun is 1970.
  if (ms === undefined || ms <= 0) return ''
  const seconds = Math.max(0, Math.floor((now - ms) / 1_000))
  return seconds === 0 ? '0 s' : duration(seconds * 1_000)
}
