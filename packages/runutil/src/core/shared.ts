import { fileURLToPath } from 'node:url'

/** Raised when what is shared changes its shape, so that two copies that don't understand each other say so. */
const VERSION = 1
const KEY = Symbol.for('runutil.shared')

interface Shared {
  readonly version: number
  /** Where the copy is that came first. */
  readonly from: string
  readonly values: Map<string, unknown>
}

const all = join()

/**
 * What there is one of in a program, also where it has several copies of runutil, as pnpm makes one for each set of
 * peers: the value of that name, made by whichever copy asks first.
 */
export function shared<T>(name: string, make: () => T): T {
  if (!all.values.has(name)) all.values.set(name, make())
  return all.values.get(name) as T
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
    `workers of the other; install one version of it for all`
  process.emitWarning(message, { type: 'RunutilWarning', code: 'RUNUTIL_TWO_COPIES' })
}

/** A bundle that is no module has no url. */
function locationOf(url: string | undefined): string {
  if (url === undefined) return process.argv[1] ?? 'a bundle'
  return url.startsWith('file:') ? fileURLToPath(new URL('..', url)) : url
}
