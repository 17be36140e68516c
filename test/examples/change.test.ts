import { JobQueue, MemoryJobStore, QueueWorker } from 'runutil/queue'
import { drain } from 'runutil/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type CountLines,
  type Size,
  changeOf,
  sizeOf,
} from '../../packages/examples/src/repo-watch/change.ts'
import { classify } from '../../packages/examples/src/repo-watch/lines.ts'
import { Repository } from '../../packages/examples/src/repo-watch/repository.ts'
import { TempRepository } from '../support/examples/temp-repository.ts'

const signal = new AbortController().signal
const countLines: CountLines = (name, content) => Promise.resolve(classify(name, content))

/** How many files a commit changed, and their size. */
type Sized = Size & { author: string; files: number }

describe('what a commit changes', () => {
  let made: TempRepository
  let repository: Repository
  beforeAll(async () => {
    made = await TempRepository.create()
    repository = new Repository(made.folder)
    for (const [path, text] of [
      ['a.txt', 'a'],
      ['deep/down/b.txt', 'bb'],
      ['deep/c.txt', 'ccc'],
      ['same/d.txt', 'dddd'],
    ] as const) {
      await made.write(path, text)
    }
    await made.commit('Four files')
  })
  afterAll(() => made.remove())

  const sized = async (id: string): Promise<Sized> => {
    const { author, files } = (await changeOf(repository, id))!
    return { author, files: files.length, ...(await sizeOf(repository, files, countLines, signal)) }
  }
  const changed = async (change: () => Promise<void>): Promise<Sized> => {
    await change()
    return sized(await made.commit('Change'))
  }

  it('is all that it holds when it is the first', async () => {
    await made.write('first.txt', 'first')
    const id = await made.commit('First', 'another')
    const { files, bytes } = await sized(id)
    expect({ files, bytes }).toEqual({ files: 5, bytes: 15 })
    await made.delete('first.txt')
  })

  const CHANGES: Record<string, [change: () => Promise<void>, files: number, bytes: number]> = {
    'nothing at all': [async () => {}, 0, 0],
    'a file deep down': [() => made.write('deep/down/b.txt', 'longer'), 1, 6],
    'an added and a changed file': [
      async () => {
        await made.write('deep/new.txt', '12345')
        await made.write('a.txt', 'äöü')
      },
      2,
      11,
    ],
    'a deleted file': [() => made.delete('deep/c.txt'), 1, 0],
    'a file that becomes a folder of two': [
      async () => {
        await made.delete('a.txt')
        await made.write('a.txt/1', '1')
        await made.write('a.txt/2', '22')
      },
      3,
      3,
    ],
  }

  it.for(Object.entries(CHANGES))('%s', async ([, [change, files, bytes]]) => {
    expect(await changed(change)).toMatchObject({ author: 'Ann', files, bytes })
  })

  it('has the lines of all its files counted', async () => {
    const change = await changed(async () => {
      await made.write('src/a.ts', '// one\n\nlet a = 1 // two\n')
      await made.write('b.py', '# one\nb = 1\n')
    })
    expect(change.lines).toEqual({ code: 2, comments: 2, blank: 1 })
  })

  it('is reported file by file to a job that reads it', async () => {
    await made.write('f.txt', 'f')
    await made.delete('b.py')
    const id = await made.commit('Change')
    const notes: unknown[] = []
    const queue = new JobQueue(new MemoryJobStore())
    const worker = new QueueWorker(queue)
    const { files } = (await changeOf(repository, id))!
    worker.register('count', (_, its) => sizeOf(repository, files, countLines, its))
    queue.onEvent((event) => event.type === 'progress' && notes.push([event.done, event.total]))
    await queue.enqueue({ kind: 'count' })
    const [outcome] = await drain(queue, worker)
    expect(outcome).toMatchObject({ status: 'DONE', progress: { done: 2, total: 2 } })
    // The first at once, later ones at most once a second.
    expect(notes).toEqual([[0, 2]])
  })

  it('is unknown of a commit that is not there', async () => {
    expect(await changeOf(repository, '0'.repeat(40))).toBeUndefined()
  })

  it('is not read to its end when the program stops', async () => {
    await made.write('e.txt', 'e')
    const id = await made.commit('Change')
    const { files } = (await changeOf(repository, id))!
    await expect(sizeOf(repository, files, countLines, AbortSignal.abort('enough'))).rejects.toBe('enough')
  })
})
