import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliDecompress } from 'node:zlib'
import { DATA_FOLDER, type PgliteModule } from './pglite-module.ts'

const BESIDE = 'runutil-folder.br'

/** The header of `prepared/folder.br`: JSON after its length in four bytes. The contents follow it. */
export interface PreparedHeader {
  readonly folders: readonly string[]
  /** `length` bytes from `at` on, padded with zeros to `size`. */
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

/** The folder of a new, empty database. */
export interface PreparedFolder {
  /** Parents first. */
  readonly folders: readonly string[]
  /** The last is PG_VERSION: once it exists, the folder is complete. */
  readonly files: readonly PreparedFile[]
}

/**
 * The empty database folder that is part of this package. PGlite would make the same, with 900 MB of memory.
 *
 * @returns undefined where a bundler has left it out: PGlite makes its own then
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

/** Copies it into a database in memory. */
export function putInMemory({ FS }: PgliteModule, { folders, files }: PreparedFolder): void {
  FS.mkdirTree(DATA_FOLDER)
  for (const folder of folders) FS.mkdirTree(`${DATA_FOLDER}/${folder}`)
  for (const { path, content } of files) FS.writeFile(`${DATA_FOLDER}/${path}`, content())
}

/** In the package, three folders above this file in both `src` and `dist`; and next to a bundle. */
function places(): (URL | string)[] {
  // Undefined in a CommonJS bundle.
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
