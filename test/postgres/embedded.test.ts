import { execFile } from 'node:child_process'
import fs, { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Database, openDatabase } from 'runutil/postgres'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Child } from '../support/child.ts'
import { capturedLogger, withLogger } from '../support/logs.ts'
import { rejection } from '../support/postgres/rejection.ts'

let parent: string
let folder: string
const opened: Database[] = []
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'runutil-embedded-'))
  folder = join(parent, 'data')
})
afterEach(async () => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
  for (const database of opened.splice(0)) await database.close()
  await rm(parent, { recursive: true })
})

async function open(target = `file:${folder}`): Promise<Database> {
  const database = await openDatabase(target)
  opened.push(database)
  return database
}

/** In place of a function of Node's, for whoever imports it by name too. */
function replace<Name extends 'writeSync' | 'fdatasyncSync'>(name: Name, by: (typeof fs)[Name]): void {
  vi.spyOn(fs, name).mockImplementation(by as never)
  syncBuiltinESMExports()
}

const run = (database: Database, text: string): Promise<unknown[][]> => database.query({ text })

describe('an embedded database in a folder', () => {
  it('has on the disk what it acknowledges, unless it was told not to', async () => {
    let flushes = 0
    const { fdatasyncSync } = fs
    replace('fdatasyncSync', (file) => {
      flushes++
      fdatasyncSync(file)
    })
    const flushesOf = async (database: Database): Promise<number> => {
      await run(database, 'create table t (n int)')
      flushes = 0
      for (let n = 0; n < 50; n++) await run(database, `insert into t values (${n})`)
      return flushes
    }
    expect(await flushesOf(await open())).toBe(50)
    const { logger, lines } = capturedLogger()
    const hasty = await withLogger(logger, () => open(`file:${folder}2?durable=off`))
    expect(await flushesOf(hasty)).toBe(0)
    expect(lines[0]!.msg).toMatch(/durable=off: a power loss may take/)
  })

  it('has on the disk what one that did not flush has left there, before it goes on', async () => {
    const file = await fs.promises.open(parent, 'r')
    const syncs = vi.spyOn(Object.getPrototypeOf(file) as typeof file, 'sync')
    await file.close()
    const syncsToOpen = async (target: string): Promise<number> => {
      syncs.mockClear()
      await (await open(target)).close()
      return syncs.mock.calls.length
    }
    // Beside those of the lock.
    expect(await syncsToOpen(`file:${folder}?durable=off`)).toBeLessThan(5)
    expect(await syncsToOpen(`file:${folder}`)).toBeGreaterThan(900)
    expect(await syncsToOpen(`file:${folder}`)).toBeLessThan(5)
  })

  it('makes a checkpoint after 64 MiB of log, so that neither log nor recovery grow for ever', async () => {
    const database = await open(`file:${folder}?durable=off`)
    await run(database, 'create table t (v text)')
    const redo = async (): Promise<unknown> =>
      (await run(database, 'select redo_lsn::text from pg_control_checkpoint()'))[0]![0]
    const before = await redo()
    await run(database, `insert into t select repeat('x', 1000) from generate_series(1, 70000)`)
    // It comes right behind what was running.
    await run(database, 'select 1')
    expect(await redo()).not.toBe(before)
  })

  it('makes checkpoints in memory too', async () => {
    const database = await open('memory:')
    await run(database, 'create table t (v text)')
    const segments = async (): Promise<number> =>
      Number((await run(database, 'select count(*) from pg_ls_waldir()'))[0]![0])
    for (let round = 0; round < 8; round++) {
      await run(database, `insert into t select repeat('x', 1000) from generate_series(1, 30000)`)
      await run(database, 'truncate t')
    }
    expect(await segments()).toBeLessThan(12)
  })

  it('vacuums tables that have grown, while it is open and when it is opened', async () => {
    const database = await open(`file:${folder}?durable=off`)
    await run(database, 'create table t (n int, v text)')
    await run(database, `create table "odd.Name" as select n from generate_series(1, 100000) as n`)
    const write = async (rows: number): Promise<void> => {
      await run(database, `insert into t select n, repeat('x', 1000) from generate_series(1, ${rows}) as n`)
      await run(database, 'delete from t')
    }
    const pages = async (of: Database): Promise<unknown[]> => {
      const text = `select pg_relation_size('t') / 8192, (select relpages from pg_class where relname = 'odd.Name')`
      return (await run(of, text))[0]!
    }
    for (let round = 0; round < 12; round++) await write(14_000)
    // Without it, they are 24,000.
    expect((await pages(database))[0]).toBeLessThan(14_000)
    expect((await pages(database))[1]).toBeGreaterThan(400)
    await run(database, 'vacuum t')
    await write(1_000)
    expect((await pages(database))[0]).toBeGreaterThan(140)
    await database.close()
    const again = await open(`file:${folder}?durable=off`)
    expect((await pages(again))[0]).toBe(0)
  })

  it.each([
    ['the log', '/pg_wal/'],
    ['a table', '/base/'],
  ])(
    'refuses everything once the disk is full for %s, and has all of it when there is room',
    async (_, where) => {
      const database = await open()
      await run(database, 'create table t (n int, v text)')
      await run(database, `insert into t values (1, 'kept')`)
      const { writeSync } = fs
      replace('writeSync', ((file: number, ...rest: [Uint8Array]) => {
        const path = fs.readlinkSync(`/proc/self/fd/${file}`)
        if (path.includes(where)) throw Object.assign(new Error('full'), { code: 'ENOSPC' })
        return writeSync(file, ...rest)
      }) as typeof writeSync)
      const full = { code: 'ERR_DATABASE_FULL', message: expect.stringContaining(folder) as string }
      const large = `insert into t select n, repeat('x', 1000) from generate_series(2, 20000) as n`
      expect(await rejection(run(database, large))).toMatchObject(full)
      expect(await rejection(run(database, 'select 1'))).toMatchObject(full)
      expect(await rejection(database.transaction((tx) => tx.script('select 1')))).toMatchObject(full)
      vi.restoreAllMocks()
      syncBuiltinESMExports()
      expect(await rejection(run(database, 'select 1'))).toMatchObject(full)
      await database.close()
      const again = await open()
      expect(await run(again, 'select n, v from t')).toEqual([[1, 'kept']])
    },
  )

  it('is closed with an error when another process took it over while this one was held up', async () => {
    const database = await open()
    await run(database, 'create table t (n int)')
    await writeFile(`${folder}/new.lock`, JSON.stringify({ id: 'other', pid: 1, host: 'other' }))
    await rename(`${folder}/new.lock`, `${folder}/runutil.lock`)
    const held = performance.now()
    vi.spyOn(performance, 'now').mockReturnValue(held + 11_000)
    const insert = rejection(run(database, 'insert into t values (1)'))
    vi.restoreAllMocks()
    expect(await insert).toMatchObject({ code: 'ERR_LOCK_LOST' })
    expect(await rejection(run(database, 'select 1'))).toMatchObject({ code: 'ERR_LOCK_LOST' })
    await database.close()
    expect(await readFile(`${folder}/runutil.lock`, 'utf8')).toContain('other')
    await rm(`${folder}/runutil.lock`)
    expect(await run(await open(), 'select n from t')).toEqual([])
  })

  it('says which version of PostgreSQL a folder is of', async () => {
    await (await open()).close()
    writeFileSync(join(folder, 'PG_VERSION'), '14\n')
    const error = await rejection(open())
    expect(error).toMatchObject({ code: 'ERR_DATABASE_FOLDER', folder })
    expect((error as Error).message).toMatch(/made by PostgreSQL 14, and the installed .* is PostgreSQL 18/)
  })

  it('says what PostgreSQL says of a folder that is broken', async () => {
    await (await open()).close()
    writeFileSync(join(folder, 'global/pg_control'), 'broken')
    const error = await rejection(open())
    expect((error as Error).message).toMatch(/PANIC: {2}could not read file "global\/pg_control"/)
  })

  it('is closed at the end of the block that has it with await using', async () => {
    const database = await open()
    await database[Symbol.asyncDispose]()
    expect(await rejection(run(database, 'select 1'))).toMatchObject({ code: 'ERR_DATABASE_CLOSED' })
  })

  it('does not keep its process alive, also after it was left by one that was killed', async () => {
    const killed = new Child('postgres/programs/unclosed', `file:${folder}`, 'die')
    expect((await killed.exit).signal).toBe('SIGKILL')
    const { code, lines } = await new Child('postgres/programs/unclosed', `file:${folder}`).exit
    expect([code, ...lines]).toEqual([0, expect.stringMatching('open in')])
  })
})

describe.runIf(process.platform !== 'win32')('the folder of an embedded database', () => {
  const modes = (): string[] =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((path) => statSync(join(folder, path)))
      .map((stats) => `${stats.isDirectory() ? 'folder' : 'file'} ${(stats.mode & 0o777).toString(8)}`)

  it('is for its owner alone, with all that is in it', async () => {
    const umask = vi.spyOn(process, 'umask')
    await mkdir(folder, { mode: 0o755 })
    const database = await open()
    await run(database, 'create table t (n int); ')
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(new Set(modes())).toEqual(new Set(['folder 700', 'file 600']))
    expect(umask).not.toHaveBeenCalled()
  })

  it('gets a warning when it is found open to others', async () => {
    await (await open()).close()
    chmodSync(folder, 0o755)
    const { logger, lines } = capturedLogger()
    await withLogger(logger, () => open())
    expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
      [
        40,
        `database folder ${folder} is accessible to other users of this machine (mode 0755); restrict it: chmod -R go= ${folder}`,
      ],
    ])
  })
})

describe.runIf(process.platform === 'linux')('the first start of an embedded database', () => {
  it.each(['file', 'memory'])('takes less than 512 MiB of memory, of kind %s', async (kind) => {
    const program = fileURLToPath(new URL('programs/memory-of-first-start.mjs', import.meta.url))
    const target = kind === 'file' ? `file:${folder}` : 'memory:'
    const { stdout } = await promisify(execFile)(process.execPath, [program, target])
    expect(Number(stdout)).toBeGreaterThan(100)
    expect(Number(stdout)).toBeLessThan(512)
  })
})
