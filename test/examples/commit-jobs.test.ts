import { execFileSync } from 'node:child_process'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { PostgresJobStore, openDatabase } from 'runutil/postgres'
import { type JobCounts, JobQueue, type QueuedJob } from 'runutil/queue'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../support/postgres/databases.ts'
import { Program } from '../support/program.ts'
import { TempRepository } from '../support/examples/temp-repository.ts'

let repository: TempRepository
beforeEach(async () => {
  repository = await TempRepository.create()
})
afterEach(() => repository.remove())

/** Watches the repository, started in the folder around it. */
const watch = (url?: string, ...args: string[]): Program =>
  new Program({
    path: 'packages/examples/src/repo-watch/main.ts',
    args: ['--every', '50ms', ...args, repository.folder],
    cwd: repository.home,
    env: { DATABASE_URL: url },
  })

/** Which commits it says it has read, by the first letters of their ids, in order. */
function readBy({ output }: { output: readonly string[] }): string[] {
  return output.flatMap((line) => /\/CommitReader\/Jobs (\w{7}) by Ann: /.exec(line)?.[1] ?? [])
}

async function read(program: Program, id: string): Promise<string> {
  return program.printed(`/CommitReader/Jobs ${id.slice(0, 7)} by Ann: `)
}

async function stop(program: Program): Promise<readonly string[]> {
  program.kill('SIGINT')
  const { code, errors, output } = await program.exit
  expect({ code, errors }).toEqual({ code: 0, errors: [] })
  expect(output.at(-1)).toMatch(/ stopped$/)
  return readBy({ output })
}

/** What is stored, once no program uses it. */
async function stored<T>(target: string, look: (queue: JobQueue) => Promise<T>): Promise<T> {
  const database = await openDatabase(target)
  try {
    return await look(new JobQueue(new PostgresJobStore(database)))
  } finally {
    await database.close()
  }
}

describe('the jobs of repo-watch, in the folder where it was started', () => {
  const folder = (): string => `file:${join(repository.home, '.runutil')}`

  it('are run once over two starts, with those that came in between', async () => {
    await repository.write('a.txt', 'x'.repeat(1_234))
    const first = await repository.commit('First')
    const before = watch()
    expect(await read(before, first)).toMatch(/ by Ann: 1 file, 1\.2 kB; lines of code 1, of comments 0$/)
    expect(await stop(before)).toHaveLength(2)

    await repository.write('b.txt', '12')
    const second = await repository.commit('Second')
    const after = watch()
    await read(after, second)
    expect(await stop(after)).toEqual([second.slice(0, 7)])

    const [counts, job] = await stored<[JobCounts, QueuedJob | undefined]>(folder(), (queue) =>
      Promise.all([queue.counts(), queue.get(second)]),
    )
    const done = { DONE: 3, PENDING: 0, RUNNING: 0, FAILED: 0 }
    expect(counts).toMatchObject({ read: done, count: done, commit: done })
    expect(job).toMatchObject({
      kind: 'commit',
      result: { author: 'Ann', files: 1, bytes: 2, lines: { code: 1, comments: 0, blank: 0 } },
    })
  })

  it.skipIf(process.platform === 'win32')('go on after kill -9 in the middle of one', async () => {
    await repository.write('slow.txt', 'slow')
    const slow = await repository.commit('Slow')
    const after = await repository.commit('After')
    // Whoever reads a pipe waits for a writer, and who opens it to write, for a reader.
    const object = await repository.objectOf('slow.txt')
    await rename(object, `${object}.kept`)
    execFileSync('mkfifo', [object])
    const killed = watch()
    const writer = await open(object, 'w')
    killed.kill('SIGKILL')
    const { code, output } = await killed.exit
    await writer.close()
    expect(code).toBe(null)
    expect(readBy({ output })).not.toContain(slow.slice(0, 7))
    await rm(object)
    await rename(`${object}.kept`, object)

    const next = watch()
    await Promise.all([read(next, slow), read(next, after)])
    await stop(next)
    expect(await stored(folder(), (queue) => queue.counts())).toMatchObject({ commit: { DONE: 3 } })
  })

  it('are left to the copy that has them, and the second says what to do', async () => {
    const first = watch()
    await first.printed(/\/CommitReader\/Jobs [0-9a-f]{7} by /)
    const { code, output, errors } = await watch().exit

    expect({ code, output }).toEqual({ code: 2, output: [] })
    expect(errors[0]).toMatch(/^repo-watch: database folder .*\.runutil is in use by process \d+ on /)
    expect(errors[1]).toContain('set DATABASE_URL=postgres://')
    expect(errors).toHaveLength(2)
    await stop(first)
  })
})

describe('the jobs of repo-watch, on a server', () => {
  let database: FreshDatabase
  beforeAll(async () => void (database = await freshDatabase()))
  afterAll(() => database.drop())

  it('are those of the latest 20 commits at first', async () => {
    const ids: string[] = []
    for (let at = 0; at < 30; at++) ids.push(await repository.commit(`No. ${at}`))
    const program = watch(database.url)
    const latest = ids.slice(-20)
    await Promise.all(latest.map((id) => read(program, id)))

    // Ten at once: a commit whose lines are counted sooner is read sooner.
    expect(new Set(await stop(program))).toEqual(new Set(latest.map((id) => id.slice(0, 7))))
  })

  it('are those of all commits that came since the last start', async () => {
    const before = watch(database.url)
    await before.printed(/\/CommitReader\/Jobs [0-9a-f]{7} by /)
    await stop(before)
    await repository.branch('aside')
    const ids: string[] = []
    for (let at = 0; at < 25; at++) ids.push(await repository.commit(`No. ${at}`, at % 2 ? 'main' : 'aside'))
    const after = watch(database.url)
    await Promise.all(ids.map((id) => read(after, id)))

    expect(await stop(after)).toHaveLength(25)
  })

  it('are run once by two copies', async () => {
    const copies = [watch(database.url), watch(database.url)]
    await Promise.all(copies.map((copy) => copy.printed('commits so far')))
    await repository.write('a.txt', 'a')
    const id = await repository.commit('For both')
    await Promise.any(copies.map((copy) => read(copy, id)))
    const reads = await Promise.all(copies.map(stop))

    expect(reads.flat().filter((read) => id.startsWith(read))).toHaveLength(1)
  })

  it('are tried again where the commit is not there yet', async () => {
    const missing = 'f'.repeat(40)
    const program = watch(database.url)
    await program.printed(/\/CommitReader\/Jobs [0-9a-f]{7} by /)
    await stored(database.url, (queue) =>
      queue.enqueue({ id: `read/${missing}`, kind: 'read', payload: { commit: missing } }),
    )
    await program.printed('WARN /CommitReader/Jobs job will be retried: no commit fffffff in this repository')
    await stop(program)

    const job = await stored(database.url, (queue) => queue.get(`read/${missing}`))
    expect(job).toMatchObject({ status: 'PENDING', attemptsDone: 1, errors: [{ attempt: 1 }] })
    expect(job!.runAt.getTime() - job!.updatedAt.getTime()).toBe(60_000)
  })

  it.for([
    ['a server that does not answer', 'postgres://u@127.0.0.1:1/db', 'PostgreSQL at 127.0.0.1:1'],
    ['what is no URL of a database', 'mysql://u:secret@there', 'openDatabase: DATABASE_URL: expected '],
  ] as const)('need their database: with %s, it ends with 2', async ([, url, message]) => {
    const { code, output, errors } = await watch(url).exit

    expect({ code, output, lines: errors.length }).toEqual({ code: 2, output: [], lines: 1 })
    expect(errors[0]).toContain(`repo-watch: `)
    expect(errors[0]).toContain(message)
    expect(errors[0]).not.toContain('secret')
  })
})
