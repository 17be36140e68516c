import type { Commit, Repository } from './repository.ts'

export interface Look {
  /** The commits that were not seen before, the oldest first. */
  commits: Commit[]
  /** Whether there are older ones that were left out. */
  cut: boolean
}

type Readable = Pick<Repository, 'refs' | 'commit'>

/** Commits read in one look: few enough that a large repository starts at once. */
const MOST_COMMITS = 1_000

/**
 * Remembers which commits were seen, so that each look reads only new ones. Where a look was cut short, older commits count as
 * seen.
 */
export class History {
  readonly #repository: Readable
  readonly #seen = new Set<string>()
  /** In seconds since the Unix epoch. */
  #seenUntil = -Infinity

  constructor(repository: Readable) {
    this.#repository = repository
  }

  /** Walks from all branches and tags back to commits seen before. A look that fails changes nothing. */
  async look(signal: AbortSignal): Promise<Look> {
    const tips = await this.#newTips()
    const open = new Map(Array.from(tips.values(), (commit) => [commit.id, commit]))
    const commits = new Map<string, Commit>()
    for (const [id, { committedAt }] of open) if (this.#isSeen(id, committedAt)) open.delete(id)
    while (open.size > 0 && commits.size < MOST_COMMITS) {
      signal.throwIfAborted()
      const next = newest(open.values())
      open.delete(next.id)
      commits.set(next.id, next)
      for (const parent of next.parents) {
        if (!commits.has(parent)) await this.#follow(parent, open)
      }
    }
    for (const id of [...tips.keys(), ...commits.keys()]) this.#seen.add(id)
    if (open.size > 0) this.#seenUntil = newest(open.values()).committedAt
    return { commits: Array.from(commits.values()).reverse(), cut: open.size > 0 }
  }

  /** By the id that the ref points to, which may be that of an annotated tag. */
  async #newTips(): Promise<Map<string, Commit>> {
    const tips = new Map<string, Commit>()
    for (const { id } of await this.#repository.refs()) {
      if (this.#seen.has(id) || tips.has(id)) continue
      const commit = await this.#repository.commit(id)
      if (commit !== undefined) tips.set(id, commit)
    }
    return tips
  }

  async #follow(id: string, open: Map<string, Commit>): Promise<void> {
    if (open.has(id) || this.#seen.has(id)) return
    const commit = await this.#repository.commit(id)
    if (commit !== undefined && !this.#isSeen(id, commit.committedAt)) open.set(id, commit)
  }

  #isSeen(id: string, committedAt: number): boolean {
    return this.#seen.has(id) || committedAt <= this.#seenUntil
  }
}

function newest(commits: Iterable<Commit>): Commit {
  let found: Commit | undefined
  for (const commit of commits) {
    if (found === undefined || commit.committedAt > found.committedAt) found = commit
  }
  return found!
}
