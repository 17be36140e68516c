import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { wait } from 'runutil'

/** A branch or tag, and the object it points to: a commit or, for an annotated tag, the tag. */
export interface Ref {
  kind: 'branch' | 'tag'
  /** Without 'refs/heads/'. */
  name: string
  id: string
}

const KINDS = [
  { kind: 'branch', prefix: 'refs/heads/' },
  { kind: 'tag', prefix: 'refs/tags/' },
] as const

/**
 * All branches and tags of a git folder. Not read by isomorphic-git, which reads and parses the whole of `packed-refs` again for
 * each ref: with thousands of tags, that takes longer than the time between two looks.
 */
export async function readRefs(gitFolder: string): Promise<Ref[]> {
  const ids = await packedRefs(gitFolder)
  for (const { prefix } of KINDS) await addLooseRefs(gitFolder, prefix, ids)
  return Array.from(ids).flatMap(([path, id]) => refOf(path, id) ?? [])
}

/** Many refs in one file, one in a line: 'id path'. */
async function packedRefs(gitFolder: string): Promise<Map<string, string>> {
  const ids = new Map<string, string>()
  const text = (await readIfThere(join(gitFolder, 'packed-refs'))) ?? ''
  for (const [, id, path] of text.matchAll(/^([0-9a-f]{40,}) (\S+)$/gm)) ids.set(path!, id!)
  return ids
}

/** One ref in one file. It is newer than a packed one of the same name. */
async function addLooseRefs(gitFolder: string, prefix: string, ids: Map<string, string>): Promise<void> {
  const folder = join(gitFolder, prefix)
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(whenMissing)
  for (const entry of entries ?? []) {
    if (!entry.isFile()) continue
    const file = join(entry.parentPath, entry.name)
    const id = await looseRef(file)
    if (id !== undefined) ids.set(prefix + file.slice(folder.length).replaceAll('\\', '/'), id)
  }
}

async function looseRef(file: string): Promise<string | undefined> {
  let text = await readIfThere(file)
  if (text === '') {
    // Not every program writes refs atomically: this one is being written.
    await wait('20ms')
    text = await readIfThere(file)
  }
  return /^[0-9a-f]{40,}$/m.exec(text ?? '')?.[0]
}

function refOf(path: string, id: string): Ref | undefined {
  for (const { kind, prefix } of KINDS) {
    if (path.startsWith(prefix)) return { kind, name: path.slice(prefix.length), id }
  }
  return undefined
}

/** Undefined when there is no such file; it may be deleted at any moment. */
export function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(whenMissing)
}

function whenMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
}
