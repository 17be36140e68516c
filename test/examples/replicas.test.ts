import { expect, it } from 'vitest'
import { freshDatabase } from '../support/postgres/databases.ts'
import { Program } from '../support/program.ts'
import { TempRepository } from '../support/examples/temp-repository.ts'

const BRANCHES = ['one', 'two', 'three', 'four', 'five']

it('two copies of repo-watch on one database report each new branch once', async () => {
  const repository = await TempRepository.create()
  const { url, drop } = await freshDatabase()
  const copies = [1, 2].map(
    () =>
      new Program({
        path: 'packages/examples/src/repo-watch/main.ts',
        args: ['--every', '50ms', repository.folder],
        env: { DATABASE_URL: url },
      }),
  )
  await Promise.all(copies.map((copy) => copy.printed('branches: 1 (main)')))
  for (const branch of BRANCHES) {
    await repository.branch(branch)
    await Promise.any(copies.map((copy) => copy.printed(`new branch ${branch} at `)))
  }
  for (const copy of copies) copy.kill('SIGINT')
  const outputs = (await Promise.all(copies.map(({ exit }) => exit))).map(({ output }) => output)

  const reported = outputs.flat().flatMap((line) => / new branch (\w+) at /.exec(line)?.[1] ?? [])
  expect(reported.sort()).toEqual([...BRANCHES].sort())
  await drop()
  await repository.remove()
})
