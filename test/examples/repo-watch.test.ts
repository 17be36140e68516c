import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../support/postgres/databases.ts'
import { Program } from '../support/program.ts'
import { TempRepository } from '../support/examples/temp-repository.ts'

let database: FreshDatabase
beforeAll(async () => void (database = await freshDatabase()))
afterAll(() => database.drop())

/** Keeps its jobs on the server that the tests share, which opens faster than a folder. */
const watch = (...args: string[]): Program =>
  new Program({
    path: 'packages/examples/src/repo-watch/main.ts',
    args: ['--every', '50ms', ...args],
    env: { DATABASE_URL: database.url },
  })

/** Both of its workers have looked for the first time. */
const looked = (program: Program): Promise<unknown> =>
  Promise.all([program.printed('commits so far'), program.printed('branches: ')])

describe('repo-watch, looking at a repository', () => {
  let repository: TempRepository
  let program: Program
  beforeAll(async () => {
    repository = await TempRepository.create()
    await repository.branch('old')
    await repository.tag('latest')
    program = watch(repository.folder)
    await looked(program)
  })
  afterAll(async () => {
    program.kill('SIGKILL')
    await repository.remove()
  })

  it('begins with a summary', async () => {
    const summary = await program.printed('/CommitFetcher/Commits watching')
    expect(summary).toContain(`${repository.folder}, commits so far: 1; the last is `)
    expect(summary).toMatch(/[0-9a-f]{7} Begin \(Ann\)$/)
    expect(await program.printed('/RefWatcher/Refs branches')).toMatch(/branches: 2 \(main, old\), tags: 1$/)
  })

  const CHANGES: Record<string, { make: () => Promise<unknown>; line: string }> = {
    'a new commit': { make: () => repository.commit('Second'), line: ' Second (Ann)' },
    'a commit on another branch': { make: () => repository.commit('Aside', 'old'), line: ' Aside (Ann)' },
    'a new branch': { make: () => repository.branch('new/idea'), line: 'new branch new/idea at ' },
    'a moved tag': { make: () => repository.tag('latest'), line: 'tag latest moved from ' },
    'a new annotated tag': { make: () => repository.annotatedTag('v1'), line: 'new tag v1 at ' },
    'a deleted branch': { make: () => repository.deleteBranch('old'), line: 'branch old deleted, was at ' },
  }

  it.for(Object.entries(CHANGES))('prints %s', async ([, { make, line }]) => {
    await make()
    await program.printed(line)
  })

  it('prints each commit once, and the beginning never', async () => {
    await repository.commit('Last')
    await program.printed(' Last (Ann)')
    program.kill('SIGTERM')
    const { output } = await program.exit
    const titles = output.flatMap((line) => /new commit \w{7} (\w+)/.exec(line)?.[1] ?? [])

    expect(titles).toEqual(['Second', 'Aside', 'Last'])
  })
})

describe('repo-watch', () => {
  let repository: TempRepository
  beforeEach(async () => {
    repository = await TempRepository.create()
  })
  afterEach(() => repository.remove())

  it('outlives the repository, and goes on when it is back', async () => {
    const program = watch(repository.folder)
    await looked(program)
    await repository.moveAway()
    await program.printed('WARN /CommitFetcher/Commits worker failed: no git repository at ')
    await program.printed('WARN /RefWatcher/Refs worker failed: no git repository at ')
    await repository.moveBack()
    await repository.commit('Back again')
    await program.printed('Back again (Ann)')
    await program.printed('/RefWatcher/Refs works again')
    program.kill('SIGINT')

    expect((await program.exit).code).toBe(0)
  })

  it.for(['SIGINT', 'SIGTERM'] as const)('ends with 0 and says so on %s', async (signal) => {
    const program = watch(repository.folder)
    await looked(program)
    program.kill(signal)
    const { code, output, errors } = await program.exit

    expect({ code, errors }).toEqual({ code: 0, errors: [] })
    expect(output.at(-1)).toMatch(/^\S+ stopped$/)
  })

  it('prints what the README says', async () => {
    const program = watch('--every', '1s', repository.folder)
    await program.printed(' by Ann: ')
    await program.printed(/6 ready; .*1 restart/)
    program.kill('SIGINT')
    const printed = (await program.exit).output.map(shapeOf)
    expect(printed).toEqual(expect.arrayContaining(readmeLines().map(shapeOf)))
  })

  it('shows the tree of the workers with --verbose', async () => {
    const program = watch('--verbose', repository.folder)
    await program.printed('6 workers: 6 ready')
    program.kill('SIGINT')
    const { output } = await program.exit
    const tree = output.slice(output.findIndex((line) => line.includes('6 workers: 6 ready')) - 12)
    expect(tree.slice(2, 6).map((line) => line.slice(9).replace(/ +/g, ' '))).toEqual([
      'Operations class ready 1 run',
      ' Server ops ready 1 run',
      'CommitFetcher class ready 1 run',
      expect.stringMatching(/^ Commits repeat ready/),
    ])
  })

  it('ends by itself with 0 after the time of --for', async () => {
    const { code, output } = await watch('--for', '1s', repository.folder).exit

    expect(code).toBe(0)
    expect(output.at(-1)).toMatch(/^\S+ stopped$/)
  })

  it.concurrent.for([
    { args: ['--for', 'soon'], message: "--for: expected a time such as 500ms, 5s or 1m; got 'soon'" },
    { args: ['--every', '0'], message: "--every: expected a time such as 500ms, 5s or 1m; got '0'" },
    { args: ['--fro', '1s'], message: "Unknown option '--fro'" },
    { args: ['one', 'two'], message: 'expected one path; got one two' },
    { args: ['/no/such/folder'], message: 'no git repository at /no/such/folder or above' },
  ])('ends with 2 and says how to call it: $args', async ({ args, message }) => {
    const { code, output, errors } = await watch(...args).exit

    expect({ code, output }).toEqual({ code: 2, output: [] })
    expect(errors[0]).toContain(`repo-watch: ${message}`)
    expect(errors).toContain('usage: pnpm start [--every 5s] [--for 10s] [--verbose] [path]')
  })
})

describe('repo-watch, where there is no repository', () => {
  it('watches one of its own, which it removes at the end', async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'nothing-here-'))
    const path = 'packages/examples/src/repo-watch/main.ts'
    const program = new Program({
      path,
      args: ['--every', '50ms'],
      cwd,
      env: { DATABASE_URL: database.url },
    })
    const made = (await program.printed('no git repository here')).split(' in ').at(-1)!
    await program.printed('/CommitFetcher/Commits new commit')
    await program.printed(/\/CommitReader\/Jobs [0-9a-f]{7} by /)
    await program.printed('tag latest moved')
    expect(existsSync(made)).toBe(true)
    program.kill('SIGINT')

    expect((await program.exit).code).toBe(0)
    expect(existsSync(made)).toBe(false)
    await rm(cwd, { recursive: true })
  })
})

/** What README.md shows of it. */
function readmeLines(): string[] {
  const readme = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8')
  const block = /```text\n(12:00:00 .*?)```/s.exec(readme)![1]!
  return block.trimEnd().split('\n')
}

/** A line without what differs from run to run. */
function shapeOf(line: string): string {
  return line
    .replace(/watching .*/, 'watching')
    .replace(/http:.*/, 'link')
    .replace(/ [0-9a-f]{7} by .*/, ' a commit')
    .replace(/(\d+ \w+, )+\d+ restarts?.*/, 'counts')
    .replace(/^[\d:]{8}/, 'time')
}
