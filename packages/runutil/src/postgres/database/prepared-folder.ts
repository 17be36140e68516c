import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { brotliDecompress } from 'node:zlib'

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
  try {
    // Three folders up both from `src` and from `dist`. In a bundle as CommonJS, there is no `import.meta.url`.
    return unpack(
      await promisify(brotliDecompress)(
        await readFile(new URL('../../../prepared/folder.br', import.meta.url)),
      ),
    )
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ERR_INVALID_URL' || code === 'ENOTDIR') return undefined
    throw error
  }
}

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
