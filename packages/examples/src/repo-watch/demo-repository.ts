import * as fs from 'node:fs'
import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import git from 'isomorphic-git'
import { type DeclarativeWorker, type Duration, type WorkerConfigurer, repeat } from 'runutil'

const AUTHOR = { name: 'Demo', email: 'demo@example.org' }

/** A small repository to watch where there is none. It gets a commit at each interval, and is removed at the end. */
export class DemoRepository implements WorkerConfigurer {
  readonly folder: string
  readonly #every: Duration
  #commits = 0

  static async create(every: Duration): Promise<DemoRepository> {
    const folder = await mkdtemp(join(tmpdir(), 'repo-watch-'))
    await git.init({ fs, dir: folder, defaultBranch: 'main' })
    const demo = new DemoRepository(folder, every)
    await demo.#commit()
    return demo
  }

  constructor(folder: string, every: Duration) {
    this.folder = folder
    this.#every = every
  }

  workers(): DeclarativeWorker[] {
    return [{ name: 'Commits', worker: repeat(this.#every, () => this.#commit()) }]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }

  async #commit(): Promise<void> {
    const at = ++this.#commits
    const place = { fs, dir: this.folder }
    await appendFile(join(this.folder, 'changes.md'), `- no. ${at}\n`)
    await git.add({ ...place, filepath: 'changes.md' })
    await git.commit({ ...place, message: `Change no. ${at}`, author: AUTHOR })
    if (at % 3 === 0) await git.branch({ ...place, ref: `idea-${at / 3}` })
    if (at % 2 === 0) await git.tag({ ...place, ref: 'latest', force: true })
  }
}
