/** 'warn': look at it when you have time. 'fail': something doesn't work, or soon won't. */
export type FindingLevel = 'ok' | 'warn' | 'fail'

/** What a check of the doctor came to. */
export interface Finding {
  /** Its name, which stays the same: 'round-trip'. */
  readonly check: string
  readonly level: FindingLevel
  /** What the check saw, in words. */
  readonly found: string
  /** What to do about it. */
  readonly hint?: string
}

/** A finding of a check that is known. */
export type Verdict = Omit<Finding, 'check'>

export function ok(found: string): Verdict {
  return { level: 'ok', found }
}

export function warn(found: string, hint: string): Verdict {
  return { level: 'warn', found, hint }
}

export function fail(found: string, hint: string): Verdict {
  return { level: 'fail', found, hint }
}

const MOST_NAMED = 5

/** The first of many names, and how many others there are. */
export function some(names: readonly string[]): string {
  const others = names.length - MOST_NAMED
  return `${names.slice(0, MOST_NAMED).join(', ')}${others > 0 ? ` and ${others} more` : ''}`
}

/** '3 processes', '1 process'. @param many if it isn't `one` with an s */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

const UNITS: readonly [string, number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
]

/** '3 h', '12 ms'. */
export function lasting(ms: number): string {
  const [unit, size] = UNITS.find(([, least]) => ms >= least) ?? ['ms', 1]
  return `${Math.round(ms / size)} ${unit}`
}
