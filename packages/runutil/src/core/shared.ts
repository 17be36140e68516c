import { fileURLToPath } from 'node:url'

/** Raised when the shape of what is shared changes: copies of different versions warn instead of sharing. */
const VERSION = 1
const KEY = Symbol.for('runutil.shared')

interface Shared {
  readonly version: number
  /** Where the copy is that was loaded first. */
  readonly from: string
  readonly values: Map<string, unknown>
}

const all = join()
const copies = shared('copies', () => new Set<string>())
copies.add(locationOf(import.meta.url))

/**
 * A value that exists once in a program, also if it has several copies of runutil, as pnpm makes one for each set of peers.
 * The copy that asks first makes it.
 */
export function shared<T>(name: string, make: () => T): T {
  if (!all.values.has(name)) all.values.set(name, make())
  return all.values.get(name) as T
}

/**
 * The hint for an argument that is no instance of `type`: '' unless it was made by another copy of runutil.
 *
 * @param type a class whose instances work with their own copy only
 */
export function otherCopyHint(value: unknown, type: Function): string {
  const from = (value as object | null | undefined)?.constructor
  if (from === type || from?.name !== type.name) return ''
  return `; it was made by another copy of runutil (loaded from ${[...copies].join(' and ')}): install one version for all`
}

function join(): Shared {
  const found = (globalThis as { [KEY]?: Shared })[KEY]
  if (found?.version === VERSION) return found
  const own: Shared = { version: VERSION, from: locationOf(import.meta.url), values: new Map() }
  if (found === undefined) Object.defineProperty(globalThis, KEY, { value: own })
  else warnOfOther(found.from, own.from)
  return own
}

function warnOfOther(first: string, second: string): void {
  const message =
    `two copies of runutil that cannot work together are in this program, ${first} and ${second}: neither runs the ` +
    `workers of the other; install one version for all`
  process.emitWarning(message, { type: 'RunutilWarning', code: 'RUNUTIL_TWO_COPIES' })
}

/** A bundle that is no module has no url. */
function locationOf(url: string | undefined): string {
  if (url === undefined) return process.argv[1] ?? 'a bundle'
  return url.startsWith('file:') ? fileURLToPath(new URL('..', url)) : url
}
