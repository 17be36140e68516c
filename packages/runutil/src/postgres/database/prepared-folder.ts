import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliDecompress } from 'node:zlib'

const BESIDE = 'runutil-folder.br'

/** What `prepared/folder.br` begins with, as JSON after its length in four bytes; then come the contents. */
export interface PreparedHeader {
  readonly folders: readonly string[]
  /** `length` bytes from `at` on, and zeros up to `size`. */
  readonly files: readonly {
    readonly path: string
    readonly size: number
    readonly at: number
    readonly length: number
  }[]
}

export interface PreparedFile {
  readonly path: string
  readonly content: () => Uint8Array
}

/** The folder of a new database. */
export interface PreparedFolder {
  /** Each after the one that it is in. */
  readonly folders: readonly string[]
  /** The last is PG_VERSION, which says that the others are there. */
  readonly files: readonly PreparedFile[]
}

/**
 * The folder that this package brings, as PGlite makes it, but without the memory that it takes to make one.
 *
 * @returns undefined where a bundler has left it out; then PGlite makes its own
 */
export async function preparedFolder(): Promise<PreparedFolder | undefined> {
  for (const place of places()) {
    const packed = await readFile(place).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
    })
    if (packed !== undefined) return unpack(await promisify(brotliDecompress)(packed))
  }
  return undefined
}

/** In the package, three folders up both from `src` and from `dist`; and beside a bundle. */
function places(): (URL | string)[] {
  // In a bundle as CommonJS there is none.
  const url = import.meta.url as string | undefined
  if (!url?.startsWith('file:')) return typeof __dirname === 'string' ? [join(__dirname, BESIDE)] : []
  return [new URL('../../../prepared/folder.br', import.meta.url), join(fileURLToPath(url), '..', BESIDE)]
}

declare const __dirname: string | undefined

function unpack(packed: Buffer): PreparedFolder {
  const start = 4 + packed.readUInt32LE(0)
  const { folders, files } = JSON.parse(packed.toString('utf8', 4, start)) as PreparedHeader
  const last = ({ path }: { path: string }): number => Number(path === 'PG_VERSION')
  return {
    folders: [...folders].sort(),
    files: [...files]
      .sort((a, b) => last(a) - last(b))
      .map(({ path, size, at, length }) => ({
        path,
        content: () => {
          const content = new Uint8Array(size)
          content.set(packed.subarray(start + at, start + at + length))
          return content
        },
      })),
  }
}
