import { existsSync } from 'node:fs'
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseInUseError, openDatabase } from 'runutil/postgres'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lockFolder as lock } from '../../packages/runutil/src/postgres/database/open-embedded.ts'
import { thisProcess } from '../../packages/runutil/src/core/process-identity.ts'
import { Child } from '../support/child.ts'
import { rejection } from '../support/postgres/rejection.ts'

const me = await thisProcess()
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runutil-folder-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** @returns unlocks it */
const lockFolder = async (of: string): Promise<() => Promise<void>> => {
  const held = await lock(of)
  return () => held.release()
}
const lockFile = (of = folder): string => join(of, 'runutil.lock')
const claimOf = async (of = folder): Promise<{ pid: number; began?: string; id: string }> =>
  JSON.parse(await readFile(lockFile(of), 'utf8')) as { pid: number; id: string }

/** A pid that no process can have, since Linux ends at 4,194,304. */
const DEAD = 2 ** 30
const leave = (claim: object, path = lockFile()): Promise<void> => writeFile(path, JSON.stringify(claim))

describe('a database in a folder', () => {
  it('is for one process at a time, and for the next at once when that was killed', async () => {
    const target = `file:${join(folder, 'made', 'for it')}`
    const child = new Child(
      'postgres/programs/folder',
      target,
      'create table t (n int); insert into t values (1)',
    )
    await child.printed('open in')

    const second = new Child('postgres/programs/folder', target, '')
    const here = await rejection(openDatabase(target))
    expect(here).toBeInstanceOf(DatabaseInUseError)
    const { pid } = here as DatabaseInUseError
    expect(here).toMatchObject({ host: hostname(), since: expect.any(Date) as Date })
    const inUse = `folder ${join(folder, 'made', 'for it')} is in use by process ${pid} on ${hostname()} (since 2`
    expect((here as Error).message).toContain(inUse)
    const said = (await second.exit).lines.join('\n')
    expect(said).toMatch(/^ERR_DATABASE_IN_USE: .*is in use by process/)
    child.kill('SIGKILL')
    expect((await child.exit).lines).toContain(`open in ${pid}`)

    const database = await openDatabase(target)
    expect(await database.query({ text: 'select n from t' })).toEqual([[1]])
    const again = await rejection(openDatabase(`file://${join(folder, 'made/for it/')}`))
    expect(again).toMatchObject({ code: 'ERR_DATABASE_IN_USE', pid: process.pid })
    expect((again as Error).message).toMatch(`is in use by process ${process.pid}`)
    await database.close()
    expect(existsSync(lockFile(join(folder, 'made', 'for it')))).toBe(false)
  })

  it('is unlocked again when it can not be opened', async () => {
    await writeFile(join(folder, 'PG_VERSION'), '9.6')
    await rejection(openDatabase(`file:${folder}`))
    expect(existsSync(lockFile())).toBe(false)
  })
})

describe('the lock of a folder', () => {
  it('is taken once, and again after it was given back', async () => {
    const unlock = await lockFolder(folder)
    expect(await rejection(lockFolder(folder))).toMatchObject({
      code: 'ERR_DATABASE_IN_USE',
      folder,
      pid: process.pid,
    })
    expect((await claimOf()).pid).toBe(process.pid)
    await unlock()
    expect(await readdir(folder)).toEqual([])
    const unlockAgain = await lockFolder(folder)
    // Given back once: it is another's by now.
    await unlock()
    expect(await readdir(folder)).toEqual(['runutil.lock'])
    await unlockAgain()
  })

  it('is taken over from a process that is dead', async () => {
    await leave({ ...me, pid: DEAD, id: 'dead' })
    const unlock = await lockFolder(folder)
    expect((await claimOf()).pid).toBe(process.pid)
    await unlock()
    expect(await readdir(folder)).toEqual([])
  })

  it.runIf(process.platform === 'linux')(
    'is taken over when its pid is of another process by now',
    async () => {
      await leave({ ...me, pid: process.ppid, began: '1', id: 'reused' })
      await lockFolder(folder)
      expect((await claimOf()).pid).toBe(process.pid)
    },
  )

  it('is taken over from any number that died while they took it over', async () => {
    await leave({ ...me, pid: DEAD, id: 'a' })
    await leave({ ...me, pid: DEAD, id: 'b' }, `${lockFile()}.a`)
    await leave({ ...me, pid: DEAD, id: 'c' }, `${lockFile()}.b`)
    const unlock = await lockFolder(folder)
    expect(await readdir(folder)).toEqual(['runutil.lock'])
    expect(await rejection(lockFolder(folder))).toBeInstanceOf(DatabaseInUseError)
    await unlock()
  })

  it('says what to do about a file that is no lock', async () => {
    await writeFile(lockFile(), 'half a lo')
    const error = await rejection(lockFolder(folder))
    expect((error as Error).message).toMatch(/runutil.lock; got "half a lo"; remove the file/)
    expect(await readdir(folder)).toEqual(['runutil.lock'])
  })

  it('is left to one that is just taking it over', async () => {
    await leave({ ...me, pid: DEAD, id: 'a' })
    await leave({ ...me, id: 'b' }, `${lockFile()}.a`)
    expect(await rejection(lockFolder(folder))).toMatchObject({ pid: process.pid })
  })

  it('goes to one of several processes that find the same dead one, each time', async () => {
    const folders = await Promise.all(Array.from({ length: 200 }, () => mkdtemp(join(folder, 'f-'))))
    for (const stale of folders) await leave({ ...me, pid: DEAD, id: 'dead' }, lockFile(stale))
    const children = Array.from({ length: 4 }, () => new Child('postgres/programs/lock-each', ...folders))
    for (const child of children) await child.printed('ready')
    for (const child of children) child.kill('SIGUSR2')
    for (const child of children) await child.printed('locked')
    for (const child of children) child.kill('SIGKILL')
    const exits = await Promise.all(children.map((child) => child.exit))
    const locked = exits.flatMap(({ lines }) => lines.at(-1)!.split(' ').slice(1).filter(Boolean))
    expect(locked.sort()).toEqual([...folders].sort())
  })
})
