import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { codeOf } from '../../core/thrown.ts'
import { OpsError } from '../ops-error.ts'

const TYPES = {
  'index.html': 'text/html; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const

/** The files that the page is made of. */
export type PageFile = keyof typeof TYPES

export interface ServedFile {
  readonly type: string
  readonly bytes: Buffer
  readonly gzipped: Buffer
}

const files = new Map<PageFile, Promise<ServedFile>>()

/** A file of the page as it was built, read once. @throws OpsError 503 if it was never built */
export async function pageFile(name: PageFile): Promise<ServedFile> {
  const known = files.get(name) ?? read(name)
  files.set(name, known)
  try {
    return await known
  } catch (error) {
    files.delete(name)
    throw error
  }
}

async function read(name: PageFile): Promise<ServedFile> {
  try {
    const bytes = await readFile(new URL(`../../../prepared/page/${name}`, import.meta.url))
    return { type: TYPES[name], bytes, gzipped: await promisify(gzip)(bytes, { level: 9 }) }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    const hint = 'build the package (in its repository: pnpm build), or install it again'
    throw new OpsError(503, 'no-page', `the page was never built: ${name} is missing; ${hint}`)
  }
}
