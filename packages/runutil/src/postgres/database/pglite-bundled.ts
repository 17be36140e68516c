import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BundledPeerError } from './embedded-errors.ts'

/**
 * PGlite reads files that lie beside its code. Where it was bundled they don't, and it would end the process by an error
 * that nobody can catch.
 *
 * @throws BundledPeerError
 */
export function assertUnbundled(PGlite: new (options: object) => unknown): void {
  // Webpack and its like take such files along.
  if (typeof __webpack_require__ === 'function') return
  const file = fileOf(PGlite)
  if (file === undefined || existsSync(join(dirname(file), 'pglite.wasm'))) return
  throw new BundledPeerError('@electric-sql/pglite', file)
}

declare const __webpack_require__: unknown

/** The file that a class is in, from its own place on the stack when it reads an option. */
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

/** Without what `--enable-source-maps` makes of them. The first is who calls this. */
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
