import * as fs from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import git from 'isomorphic-git'
import { type Ref, readIfThere, readRefs } from './refs.ts'

export interface Commit {
  id: string
  /** The first line of its message. */
  title: string
  author: string
  /** When it was committed, in seconds since the Unix epoch. */
  committedAt: number
  parents: string[]
}

/** A file or folder of a commit, or the commit of a submodule. */
export interface TreeEntry {
  type: 'blob' | 'tree' | 'commit'
  name: string
  mode: string
  id: string
}

/** The repository was removed. */
class RepositoryGoneError extends Error {
  readonly code = 'ERR_REPOSITORY_GONE'
  constructor(folder: string) {
    super(`no git repository at ${folder}`)
  }
}

/** A local git repository, read without a git program. */
export class Repository {
  readonly folder: string
  readonly #gitFolder: string
  /** Where isomorphic-git keeps packs that it has read: without it, every commit reads them again. */
  readonly #cache = {}

  constructor(folder: string, gitFolder = join(folder, '.git')) {
    this.folder = folder
    this.#gitFolder = gitFolder
  }

  /** The repository that contains `path`; undefined when none does. */
  static async find(path: string): Promise<Repository | undefined> {
    const folder = resolve(path)
    const gitFolder = await gitFolderIn(folder)
    if (gitFolder !== undefined) return new Repository(folder, gitFolder)
    return dirname(folder) === folder ? undefined : Repository.find(dirname(folder))
  }

  /**
   * All local branches and tags.
   *
   * @throws RepositoryGoneError
   */
  async refs(): Promise<Ref[]> {
    if ((await readIfThere(join(this.#gitFolder, 'HEAD'))) === undefined) {
      throw new RepositoryGoneError(this.folder)
    }
    return readRefs(this.#gitFolder)
  }

  /** The commit with that id, or that the tag with that id points to; undefined for other objects and missing ones. */
  async commit(id: string): Promise<Commit | undefined> {
    try {
      const { oid, commit } = await git.readCommit({ ...this.#place, oid: id })
      return {
        id: oid,
        title: commit.message.split('\n', 1)[0]!,
        author: commit.author.name,
        committedAt: commit.committer.timestamp,
        parents: commit.parent,
      }
    } catch (error) {
      // A tag may point to a file; in a shallow clone the history ends early.
      if (error instanceof git.Errors.NotFoundError || error instanceof git.Errors.ObjectTypeError)
        return undefined
      throw error
    }
  }

  /** The entries of a tree, or of that of a commit. */
  async entries(id: string): Promise<TreeEntry[]> {
    const { tree } = await git.readTree({ ...this.#place, oid: id })
    return tree.map(({ type, path, mode, oid }) => ({ type, name: path, mode, id: oid }))
  }

  /** The content of a file. */
  async content(id: string): Promise<Uint8Array> {
    const { blob } = await git.readBlob({ ...this.#place, oid: id })
    return blob
  }

  get #place() {
    return { fs, gitdir: this.#gitFolder, cache: this.#cache }
  }
}

async function gitFolderIn(folder: string): Promise<string | undefined> {
  if (await isGitFolder(folder)) return folder
  const inside = join(folder, '.git')
  if (await isGitFolder(inside)) return inside
  // In a worktree or submodule, `.git` is a file that holds the path.
  const link = /^gitdir: (.*)$/m.exec((await readIfThere(inside).catch(() => undefined)) ?? '')?.[1]
  if (link === undefined) return undefined
  const linked = resolve(folder, link)
  const common = await readIfThere(join(linked, 'commondir'))
  return common === undefined ? linked : resolve(linked, common.trim())
}

async function isGitFolder(folder: string): Promise<boolean> {
  const head = await readIfThere(join(folder, 'HEAD'))
  return head !== undefined && fs.existsSync(join(folder, 'objects'))
}
