import { fileURLToPath } from 'node:url'

/** Raise it when the shape of a shared value changes: copies of different versions warn instead of sharing. */
const VERSION = 1
const KEY = Symbol.for('runutil.shared')

interface Shared {
  readonly version: number
  /** The location of the copy that was loaded first. */
  readonly from: string
  readonly values: Map<string, unknown>
}

const all = join()
const copies = shared('copies', () => new Set<string>())
copies.add(locationOf(import.meta.url))

/**
 * A value that exists once in a program, even if several copies of runutil are loaded (pnpm installs one for each set of peer
 * dependencies). The first copy that calls this creates it.
 */
export function shared<T>(name: string, make: () => T): T {
  if (!all.values.has(name)) all.values.set(name, make())
  return all.values.get(name) as T
}

/**
 * The hint for an argument that is not an instance of `type`: '' unless another copy of runutil created it.
 *
 * @param type a class whose instances work only with their own copy of runutil
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

/** `import.meta.url` is undefined in a bundle that is not a module. */
function locationOf(url: string | undefined): string {
  if (url === undefined) return process.argv[1] ?? 'a bundle'
  return url.startsWith('file:') ? fileURLToPath(new URL('..', url)) : url
}
