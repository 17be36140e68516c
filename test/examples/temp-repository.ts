import * as fs from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import git from 'isomorphic-git'

const AUTHOR = { name: 'Ann', email: 'ann@example.org' }

/** A git repository in a temporary folder, with one commit on `main`. */
export class TempRepository {
  /** The temporary folder; the repository lies in it, so that it can be moved away and back. */
  readonly #home: string
  readonly folder: string

  static async create(): Promise<TempRepository> {
    const repository = new TempRepository(await mkdtemp(join(tmpdir(), 'repository-')))
    await mkdir(repository.folder)
    await git.init({ fs, dir: repository.folder, defaultBranch: 'main' })
    await repository.commit('Begin')
    return repository
  }

  private constructor(home: string) {
    this.#home = home
    this.folder = join(home, 'watched')
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
    await rename(this.folder, join(this.#home, 'elsewhere'))
  }

  async moveBack(): Promise<void> {
    await rename(join(this.#home, 'elsewhere'), this.folder)
  }

  async remove(): Promise<void> {
    await rm(this.#home, { recursive: true, force: true })
  }
}
