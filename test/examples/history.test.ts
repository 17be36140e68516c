import { describe, expect, it } from 'vitest'
import { History } from '../../packages/examples/src/repo-watch/history.ts'
import type { Commit } from '../../packages/examples/src/repo-watch/repository.ts'

const signal = new AbortController().signal

/** Commits c1 … cn on one branch, each a second after the one before. */
class LongRepository {
  length: number
  reads = 0
  failAt: number | undefined
  readonly tags: number[] = []

  constructor(length: number) {
    this.length = length
  }

  async refs() {
    const main = { kind: 'branch' as const, name: 'main', id: `c${this.length}` }
    return [main, ...this.tags.map((at) => ({ kind: 'tag' as const, name: `t${at}`, id: `c${at}` }))]
  }

  async commit(id: string): Promise<Commit | undefined> {
    this.reads++
    const at = Number(id.slice(1))
    if (at === this.failAt) throw new Error(`cannot read ${id}`)
    if (at < 1) return undefined
    return { id, title: id, author: 'Ann', committedAt: at, parents: [`c${at - 1}`] }
  }
}

describe('the history', () => {
  it('gives all commits at first, the oldest first', async () => {
    const { commits, cut } = await new History(new LongRepository(3)).look(signal)

    expect(commits.map(({ id }) => id)).toEqual(['c1', 'c2', 'c3'])
    expect(cut).toBe(false)
  })

  it('reads at most 1000 commits of a long history', async () => {
    const repository = new LongRepository(100_000)
    const { commits, cut } = await new History(repository).look(signal)

    expect({ count: commits.length, first: commits[0]?.id, cut }).toEqual({
      count: 1_000,
      first: 'c99001',
      cut: true,
    })
    expect(repository.reads).toBeLessThan(1_010)
  })

  it('reads nothing but what is new from then on', async () => {
    const repository = new LongRepository(100_000)
    const history = new History(repository)
    await history.look(signal)
    repository.reads = 0
    const unchanged = await history.look(signal)
    expect({ commits: unchanged.commits, reads: repository.reads }).toEqual({ commits: [], reads: 0 })

    repository.length += 2
    const { commits } = await history.look(signal)
    expect(commits.map(({ id }) => id)).toEqual(['c100001', 'c100002'])
    expect(repository.reads).toBe(2)
  })

  it('takes commits from before a cut as seen, when a new tag points to one', async () => {
    const repository = new LongRepository(5_000)
    const history = new History(repository)
    await history.look(signal)
    repository.tags.push(7)

    expect((await history.look(signal)).commits).toEqual([])
  })

  it('gives what a failed look would have given', async () => {
    const repository = new LongRepository(2)
    const history = new History(repository)
    await history.look(signal)
    repository.length = 5
    repository.failAt = 4
    await expect(history.look(signal)).rejects.toThrow('cannot read c4')
    repository.failAt = undefined

    expect((await history.look(signal)).commits.map(({ id }) => id)).toEqual(['c3', 'c4', 'c5'])
  })

  it('stops in the middle when told to', async () => {
    await expect(new History(new LongRepository(5)).look(AbortSignal.abort('enough'))).rejects.toBe('enough')
  })
})
