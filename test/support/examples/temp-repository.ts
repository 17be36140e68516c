import * as fs from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import git from 'isomorphic-git'

const AUTHOR = { name: 'Ann', email: 'ann@example.org' }

/** A git repository in a temporary folder, with one commit on `main`. */
export class TempRepository {
  /** The temporary folder; the repository lies in it, so that it can be moved away and back. */
  readonly home: string
  readonly folder: string

  static async create(): Promise<TempRepository> {
    const repository = new TempRepository(await mkdtemp(join(tmpdir(), 'repository-')))
    await mkdir(repository.folder)
    await git.init({ fs, dir: repository.folder, defaultBranch: 'main' })
    await repository.commit('Begin')
    return repository
  }

  private constructor(home: string) {
    this.home = home
    this.folder = join(home, 'watched')
  }

  /** Of the next commit. */
  async write(path: string, text: string): Promise<void> {
    const file = join(this.folder, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
    await git.add({ fs, dir: this.folder, filepath: path })
  }

  async delete(path: string): Promise<void> {
    await rm(join(this.folder, path), { recursive: true })
    await git.remove({ fs, dir: this.folder, filepath: path })
  }

  /** Where git keeps a file of the last commit. */
  async objectOf(path: string): Promise<string> {
    const oid = await git.resolveRef({ fs, dir: this.folder, ref: 'HEAD' })
    const blob = await git.readBlob({ fs, dir: this.folder, oid, filepath: path })
    return join(this.folder, '.git/objects', blob.oid.slice(0, 2), blob.oid.slice(2))
  }

  /** @returns the commit's id */
  commit(message: string, branch = 'main'): Promise<string> {
    const ref = `refs/heads/${branch}`
    return git.commit({ fs, dir: this.folder, message, author: AUTHOR, ref })
  }

  branch(name: string): Promise<void> {
    return git.branch({ fs, dir: this.folder, ref: name })
  }

  deleteBranch(name: string): Promise<void> {
    return git.deleteBranch({ fs, dir: this.folder, ref: name })
  }

  /** Puts the tag where `main` is. */
  tag(name: string): Promise<void> {
    return git.tag({ fs, dir: this.folder, ref: name, force: true })
  }

  annotatedTag(name: string): Promise<void> {
    return git.annotatedTag({ fs, dir: this.folder, ref: name, message: name, tagger: AUTHOR })
  }

  async moveAway(): Promise<void> {
    await rename(this.folder, join(this.home, 'elsewhere'))
  }

  async moveBack(): Promise<void> {
    await rename(join(this.home, 'elsewhere'), this.folder)
  }

  async remove(): Promise<void> {
    await rm(this.home, { recursive: true, force: true })
  }
}
