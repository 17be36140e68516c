import { chmodSync, statSync } from 'node:fs'
import { mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { JsonLinesActionLedger } from 'runutil/dispatch'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { capturedLogger, withLogger } from '../support/logs.ts'
import { failureOf } from '../support/outcome.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runutil-ledger-'))
  file = join(folder, 'actions.jsonl')
})
afterEach(async () => {
  vi.restoreAllMocks()
  await rm(folder, { recursive: true })
})

describe('the file of a ledger', () => {
  it('is for one ledger at a time, by whatever name', async () => {
    const first = new JsonLinesActionLedger(file)
    await first.get('1')
    await symlink(file, join(folder, 'link'))
    const second = await failureOf(new JsonLinesActionLedger(join(folder, 'link')).get('1'))
    expect(second).toMatchObject({ code: 'ERR_LEDGER_IN_USE', pid: process.pid })
    await first[Symbol.asyncDispose]()
    expect((await readdir(folder)).sort()).toEqual(['actions.jsonl', 'link'])
    const third = new JsonLinesActionLedger(file)
    expect(await third.get('1')).toBeUndefined()
    await third.close()
  })

  it('gets nothing more from a process that was held up until another took it over', async () => {
    const ledger = new JsonLinesActionLedger(file)
    await ledger.get('1')
    await writeFile(`${file}.new`, JSON.stringify({ id: 'other', pid: 1, host: 'other' }))
    await rename(`${file}.new`, `${file}.lock`)
    const now = performance.now()
    vi.spyOn(performance, 'now').mockReturnValue(now + 11_000)
    const at = { createdAt: 1, updatedAt: 1 }
    const record = {
      id: '1',
      operation: 'o',
      host: 'h',
      target: 't',
      input: 1,
      status: 'running',
      ...at,
    } as const
    expect(await failureOf(ledger.create(record))).toMatchObject({ code: 'ERR_LOCK_LOST' })
    expect(statSync(file).size).toBe(0)
    await ledger.close()
  })

  it.runIf(process.platform !== 'win32')('is for its owner alone, or there is a warning', async () => {
    const first = new JsonLinesActionLedger(file)
    await first.get('1')
    await first.close()
    expect(statSync(file).mode & 0o777).toBe(0o600)
    chmodSync(file, 0o640)
    const { logger, lines } = capturedLogger()
    const second = new JsonLinesActionLedger(file)
    await withLogger(logger, () => second.get('1'))
    expect(lines.map(({ msg }) => msg)).toEqual([
      `ledger ${file} is open to other users of this machine (mode 0640); close it: chmod go= ${file}`,
    ])
    await second.close()
  })
})
