import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from 'runutil/postgres'
import { expect, it } from 'vitest'
import { ALL_ATTEMPTS } from '../support/coordinate/all-attempts.ts'
import { freshDatabase } from '../support/postgres/databases.ts'
import { Program } from '../support/program.ts'

const FOLDERS = 10
const FILES = 200

async function tree(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'runutil-crawl-'))
  for (let at = 0; at < FILES; at++) {
    const folder = join(root, `${at % FOLDERS}`)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, `${at}`), 'five!')
  }
  return root
}

it('two crawls share the work, and one finishes what the other had in hand when it was killed', async () => {
  const { url, drop } = await freshDatabase()
  const root = await tree()
  const start = (): Program =>
    new Program({
      path: 'packages/examples/src/folder-crawl.ts',
      args: [root, '20ms'],
      env: { DATABASE_URL: url },
    })
  const first = start()
  const second = start()
  await Promise.all([first, second].map((each) => each.printed('read 10 files')))
  first.kill('SIGKILL')
  await second.printed(`${FOLDERS + 1} folders listed, ${FILES} files read, ${FILES * 5} bytes`)
  second.kill('SIGTERM')
  expect((await second.exit).code).toBe(0)

  const database = await openDatabase(url)
  const statuses = await database.query({
    text: `select a.status, count(*)::int from ${ALL_ATTEMPTS} as a join runutil.work_units as u on u.id = a.unit
      join runutil.work_specs as s on s.id = u.spec where s.name = 'files' group by 1 order by 1`,
  })
  // Whatever the first had begun is counted as expired; no file was finished twice.
  expect(statuses.filter(([status]) => status !== 'expired')).toEqual([['finished', FILES]])
  await database.close()
  await drop()
  await rm(root, { recursive: true })
})
