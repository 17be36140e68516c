import { reportProgress } from 'runutil'
import type { Lines } from './lines.ts'
import type { Repository, TreeEntry } from './repository.ts'

/** What a commit changed. */
export interface Change {
  author: string
  /** How many files it added, changed or deleted. */
  files: number
  /** The size of these files after it. */
  bytes: number
  lines: Lines
}

export type CountLines = (name: string, content: Uint8Array, signal: AbortSignal) => Promise<Lines>

/**
 * Compares a commit with its first parent, or with nothing where there is none: at the beginning of the history, and where a
 * shallow clone ends. Reports its progress in files.
 *
 * @returns undefined when there is no such commit
 */
export async function changeOf(
  repository: Repository,
  id: string,
  countLines: CountLines,
  signal: AbortSignal,
): Promise<Change | undefined> {
  const commit = await repository.commit(id)
  if (commit === undefined) return undefined
  const [first] = commit.parents
  const parent = first === undefined ? undefined : await repository.commit(first)
  const lines = { code: 0, comments: 0, blank: 0 }
  const change = { author: commit.author, files: 0, bytes: 0, lines }
  const files: ChangedFile[] = []
  for await (const file of changedFiles(repository, parent?.id, id)) files.push(file)
  for (const file of files) {
    signal.throwIfAborted()
    reportProgress(change.files++, files.length, file.name)
    if (file.type !== 'blob') continue
    const content = await repository.content(file.id)
    change.bytes += content.length
    const { code, comments, blank } = await countLines(file.name, content, signal)
    lines.code += code
    lines.comments += comments
    lines.blank += blank
  }
  reportProgress(files.length, files.length)
  return change
}

/** A file after the commit, or one that was deleted. */
type ChangedFile = TreeEntry | { type: 'gone'; name: string }

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
    if (is !== undefined && newFolder === undefined) yield is
    else if (was !== undefined && oldFolder === undefined) yield { type: 'gone', name }
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
