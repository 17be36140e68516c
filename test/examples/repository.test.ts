import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Repository } from '../../packages/examples/src/repo-watch/repository.ts'
import { TempRepository } from '../support/examples/temp-repository.ts'

describe('a repository', () => {
  let repository: TempRepository
  beforeEach(async () => {
    repository = await TempRepository.create()
  })
  afterEach(() => repository.remove())

  const inside = (path: string): string => join(repository.folder, path)
  const find = async (path = repository.folder): Promise<Repository> => (await Repository.find(path))!
  const names = async (found: Repository): Promise<string[]> => {
    return (await found.refs()).map(({ kind, name }) => `${kind} ${name}`).sort()
  }

  it('is found from a folder far below', async () => {
    await mkdir(inside('a/b'), { recursive: true })

    expect((await find(inside('a/b'))).folder).toBe(repository.folder)
  })

  it('is found when it is bare', async () => {
    await rename(inside('.git'), inside('bare.git'))

    expect(await names(await find(inside('bare.git')))).toEqual(['branch main'])
  })

  it('is found from a worktree', async () => {
    await mkdir(inside('.git/worktrees/w'), { recursive: true })
    await writeFile(inside('.git/worktrees/w/commondir'), '../..\n')
    await mkdir(inside('w'))
    await writeFile(inside('w/.git'), `gitdir: ${inside('.git/worktrees/w')}\n`)

    expect(await names(await find(inside('w')))).toEqual(['branch main'])
  })

  it('gives branches and tags, loose and packed, the loose one where there are both', async () => {
    const first = (await (await find()).refs())[0]!.id
    const second = await repository.commit('Go on')
    await repository.branch('with/slash')
    await writeFile(
      inside('.git/packed-refs'),
      `# pack-refs with: peeled\n${first} refs/heads/main\n${first} refs/tags/old\n^${first}\n${first} refs/remotes/origin/main\n`,
    )

    expect(await (await find()).refs()).toEqual([
      { kind: 'branch', name: 'main', id: second },
      { kind: 'tag', name: 'old', id: first },
      { kind: 'branch', name: 'with/slash', id: second },
    ])
  })

  it('reads the commit that an annotated tag stands for', async () => {
    const id = await repository.commit('Go on\n\nand on')
    await repository.annotatedTag('v1')
    const found = await find()
    const tag = (await found.refs()).find(({ kind }) => kind === 'tag')!

    expect(tag.id).not.toBe(id)
    expect(await found.commit(tag.id)).toMatchObject({ id, title: 'Go on', author: 'Ann' })
  })

  it('has no commit where a shallow clone ends', async () => {
    expect(await (await find()).commit('0123456789012345678901234567890123456789')).toBeUndefined()
  })

  it('says so when it is gone', async () => {
    const found = await find()
    await rm(repository.folder, { recursive: true })

    await expect(found.refs()).rejects.toMatchObject({ code: 'ERR_REPOSITORY_GONE' })
  })
})
