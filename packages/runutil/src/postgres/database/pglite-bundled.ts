import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BundledPeerError } from './embedded-errors.ts'

/**
 * PGlite reads files next to its code. They are missing where it was bundled, and it would end the process with an error
 * that cannot be caught.
 *
 * @throws BundledPeerError
 */
export function assertUnbundled(PGlite: new (options: object) => unknown): void {
  // Webpack copies such files.
  if (typeof __webpack_require__ === 'function') return
  const file = fileOf(PGlite)
  if (file === undefined || existsSync(join(dirname(file), 'pglite.wasm'))) return
  throw new BundledPeerError('@electric-sql/pglite', file)
}

declare const __webpack_require__: unknown

/** The file of a class: its place on the stack when it reads an option. */
function fileOf(PGlite: new (options: object) => unknown): string | undefined {
  const stop = new Error()
  let file: string | undefined
  const options = {
    get dataDir(): never {
      file = callers()[1]?.getFileName() ?? undefined
      throw stop
    },
  }
  try {
    new PGlite(options)
  } catch (error) {
    if (error !== stop) throw error
  }
  return file?.startsWith('file:') ? fileURLToPath(file) : file
}

/** Without the mapping of `--enable-source-maps`. The first is the caller. */
function callers(): NodeJS.CallSite[] {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is put back as it was
  const prepare = Error.prepareStackTrace
  const stopped: { stack?: unknown } = {}
  Error.prepareStackTrace = (_, sites) => sites
  Error.captureStackTrace(stopped, callers)
  const sites = stopped.stack as NodeJS.CallSite[]
  Error.prepareStackTrace = prepare
  return sites
}
