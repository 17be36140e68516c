// Makes `prepared/`: the folder of a new database, as PGlite makes it, packed. PGlite needs 900 MB of memory to make one
// and 350 to open one, so each new database starts from this one.
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants } from 'node:zlib'
import { PGlite } from '@electric-sql/pglite'
import type { PreparedHeader } from './src/postgres/database/prepared-folder.ts'

const root = fileURLToPath(new URL('.', import.meta.url))
const prepared = join(root, 'prepared')

/** Does nothing when what is there was made by the PGlite that is installed. Several may run at once. */
export async function prepareFolder(): Promise<void> {
  const version = await installedVersion()
  const isMade = existsSync(join(prepared, 'folder.br')) && (await madeBy()) === version
  if (isMade) return
  const packed = await pack()
  await mkdir(prepared, { recursive: true })
  await put('folder.br', packed)
  await put('pglite-version', `${version}\n`)
}

async function installedVersion(): Promise<string> {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite')
  const text = await readFile(join(dirname(entry), '../package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

async function madeBy(): Promise<string | undefined> {
  return readFile(join(prepared, 'pglite-version'), 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  )
}

async function put(name: string, content: Buffer | string): Promise<void> {
  const draft = join(prepared, `${name}.${process.pid}`)
  await writeFile(draft, content)
  await rename(draft, join(prepared, name))
}

async function pack(): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'runutil-prepared-'))
  try {
    const database = await PGlite.create(folder)
    await database.close()
    return await compressed(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Many files are there three times, in each of the databases that PostgreSQL makes, and end with zeros. */
async function compressed(folder: string): Promise<Buffer> {
  const header: { folders: string[]; files: PreparedHeader['files'][number][] } = { folders: [], files: [] }
  const parts: Buffer[] = []
  const known = new Map<string, number>()
  let end = 0
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name)
    const path = relative(folder, file)
    if (entry.isDirectory()) header.folders.push(path)
    if (!entry.isFile() || path === 'postmaster.pid') continue
    const content = await readFile(file)
    const data = content.subarray(0, content.findLastIndex((byte) => byte !== 0) + 1)
    const key = data.toString('latin1')
    if (!known.has(key)) {
      known.set(key, end)
      parts.push(data)
      end += data.length
    }
    header.files.push({ path, size: content.length, at: known.get(key)!, length: data.length })
  }
  const text = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(text.length)
  const options = { params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: 24 } }
  return promisify(brotliCompress)(Buffer.concat([length, text, ...parts]), options)
}
