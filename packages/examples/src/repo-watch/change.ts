import { reportProgress } from 'runutil'
import type { Lines } from './lines.ts'
import type { Repository, TreeEntry } from './repository.ts'

/** Who made a commit, and which files it added, changed or deleted. */
export interface Change {
  author: string
  files: ChangedFile[]
}

export interface ChangedFile {
  name: string
  /** Of its content after the commit; a deleted file and a submodule have none. */
  content?: string
}

/** The size of files. */
export interface Size {
  bytes: number
  lines: Lines
}

export type CountLines = (name: string, content: Uint8Array, signal: AbortSignal) => Promise<Lines>

/**
 * Compares a commit with its first parent, or with nothing where there is none: at the beginning of the history, and where a
 * shallow clone ends.
 *
 * @returns undefined when there is no such commit
 */
export async function changeOf(repository: Repository, id: string): Promise<Change | undefined> {
  const commit = await repository.commit(id)
  if (commit === undefined) return undefined
  const [first] = commit.parents
  const parent = first === undefined ? undefined : await repository.commit(first)
  const files: ChangedFile[] = []
  for await (const file of changedFiles(repository, parent?.id, id)) files.push(file)
  return { author: commit.author, files }
}

/** Reads the files after a commit, and reports how far it has got. @throws the signal's reason */
export async function sizeOf(
  repository: Repository,
  files: readonly ChangedFile[],
  countLines: CountLines,
  signal: AbortSignal,
): Promise<Size> {
  const size = { bytes: 0, lines: { code: 0, comments: 0, blank: 0 } }
  for (const [done, file] of files.entries()) {
    signal.throwIfAborted()
    reportProgress(done, files.length, file.name)
    if (file.content === undefined) continue
    const content = await repository.content(file.content)
    const { code, comments, blank } = await countLines(file.name, content, signal)
    size.bytes += content.length
    size.lines.code += code
    size.lines.comments += comments
    size.lines.blank += blank
  }
  reportProgress(files.length, files.length)
  return size
}

/** Skips folders that are the same on both sides. */
async function* changedFiles(
  repository: Repository,
  before: string | undefined,
  after: string | undefined,
): AsyncGenerator<ChangedFile> {
  const old = await entriesByName(repository, before)
  const now = await entriesByName(repository, after)
  for (const name of new Set([...old.keys(), ...now.keys()])) {
    const was = old.get(name)
    const is = now.get(name)
    if (was?.id === is?.id && was?.mode === is?.mode) continue
    const oldFolder = folderIn(was)
    const newFolder = folderIn(is)
    if (oldFolder ?? newFolder) yield* changedFiles(repository, oldFolder, newFolder)
    if (is?.type === 'blob') yield { name, content: is.id }
    else if (is?.type === 'commit' || (was !== undefined && oldFolder === undefined)) yield { name }
  }
}

async function entriesByName(
  repository: Repository,
  id: string | undefined,
): Promise<Map<string, TreeEntry>> {
  const entries = id === undefined ? [] : await repository.entries(id)
  return new Map(entries.map((entry) => [entry.name, entry]))
}

function folderIn(entry: TreeEntry | undefined): string | undefined {
  return entry?.type === 'tree' ? entry.id : undefined
}
