import { InvalidArgumentError, describe } from './errors.ts'

/**
 * An options object, checked: an unknown key is an error that offers the nearest known one.
 *
 * @param what the call that takes the options; the error begins with it
 */
export function checkOptions<T extends object>(
  what: string,
  options: T,
  known: readonly (keyof T & string)[],
): T {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new InvalidArgumentError(
      `${what}: expected an options object { ${known.join(', ')} }; got ${describe(options)}`,
    )
  }
  for (const key of Object.keys(options)) {
    if ((known as readonly string[]).includes(key)) continue
    const near = nearest(key, known)
    const mend = near === undefined ? `known are ${known.join(', ')}` : `did you mean '${near}'?`
    throw new InvalidArgumentError(`${what}: unknown option '${key}'; ${mend}`)
  }
  return options
}

function nearest(key: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((name) => ({ name, distance: editDistance(key.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
  const best = ranked[0]
  return best !== undefined && best.distance <= Math.max(2, best.name.length / 3) ? best.name : undefined
}

/** Levenshtein's distance: how many letters must be added, dropped or changed. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(swap, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
