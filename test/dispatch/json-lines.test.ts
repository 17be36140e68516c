import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { runAllJobs } from 'runutil'
import { Actions, JsonLinesActionLedger, LedgerCorruptError } from 'runutil/dispatch'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Random } from '../chaos/random.ts'
import { capturedLogger } from '../support/logs.ts'
import { failureOf } from '../support/outcome.ts'

const KILLS = Number(process.env['LEDGER_KILLS'] ?? 40)

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runutil-ledger-'))
  file = join(folder, 'actions.jsonl')
})
afterEach(() => rm(folder, { recursive: true }))

const record = (id: string) => ({
  ...{ id, operation: 'o', host: 'h', target: 't', input: { id }, status: 'running' as const },
  ...{ createdAt: 1, updatedAt: 1 },
})

/** Opens the ledger, and closes it after what is done with it. */
async function withLedger<T>(body: (ledger: JsonLinesActionLedger) => Promise<T>): Promise<T> {
  const ledger = new JsonLinesActionLedger(file)
  try {
    return await body(ledger)
  } finally {
    await ledger.close().catch(() => {})
  }
}

const statuses = (): Promise<Map<string, string>> =>
  withLedger(async (ledger) => {
    const found = new Map<string, string>()
    for await (const seen of ledger.search({})) found.set(seen.record.id, seen.record.status)
    return found
  })

describe('a ledger in a file', () => {
  it('is one line for each creation and change', async () => {
    await withLedger(async (ledger) => {
      await ledger.create(record('1'))
      await ledger.update({ id: '1', updatedAt: 2, status: 'failed', error: 'two\nlines' })
    })
    const lines = (await readFile(file, 'utf8')).split('\n')
    expect(lines.slice(0, -1).map((line) => JSON.parse(line) as unknown)).toEqual([
      record('1'),
      { id: '1', updatedAt: 2, status: 'failed', error: 'two\nlines' },
    ])
    expect(lines.at(-1)).toBe('')
  })

  it('tells of a change once, also of one that is on its way to the disk', async () => {
    await withLedger(async (ledger) => {
      await ledger.create(record('1'))
      const actions = new Actions('o', ledger)
      const changing = ledger.update({ id: '1', updatedAt: 2, output: 'first' })
      const seen: unknown[] = []
      for await (const { output } of actions.search({}, { monitor: true })) {
        seen.push(output)
        await changing
        if (seen.length === 1) void ledger.update({ id: '1', updatedAt: 3, output: 'second' })
        if (output === 'second') break
      }
      expect(seen).toEqual(['first', 'second'])
    })
  })

  it('drops a torn last line with a warning, wherever it was torn, and goes on in a fresh one', async () => {
    const whole = `${JSON.stringify(record('1'))}\n`
    const last = JSON.stringify({ id: '1', updatedAt: 2, status: 'succeeded', output: 'ü€' })
    const bytes = Buffer.from(last)
    for (let kept = 1; kept <= bytes.length; kept += 7) {
      await writeFile(file, Buffer.concat([Buffer.from(whole), bytes.subarray(0, kept)]), { mode: 0o600 })
      const { logger, lines } = capturedLogger()
      await runAllJobs(
        [async () => withLedger(async (ledger) => void (await ledger.create(record('2'))))],
        undefined,
        { logger },
      )
      expect(lines.map(({ msg }) => msg)).toEqual([expect.stringContaining('dropped a torn last line, "')])
      expect(await statuses()).toEqual(
        new Map([
          ['1', 'running'],
          ['2', 'running'],
        ]),
      )
    }
  })

  it.each([
    ['no JSON', 'oops'],
    ['nothing', ''],
    ['no record', '{"x":1}'],
    ['a change of what was never created', '{"id":"9","status":"failed","updatedAt":2}'],
  ])('with %s in the middle says where, and drops nothing', async (_, line) => {
    const text = `${JSON.stringify(record('1'))}\n${line}\n${JSON.stringify(record('2'))}\n`
    await writeFile(file, text)
    const error = await failureOf(withLedger((ledger) => ledger.get('1')))
    expect(error).toBeInstanceOf(LedgerCorruptError)
    expect(error.message).toContain(`${file}:2: expected a record of an action as JSON; got `)
    expect(await readFile(file, 'utf8')).toBe(text)
  })

  it('in a folder that is not there says so', async () => {
    file = join(folder, 'nowhere', 'actions.jsonl')
    expect((await failureOf(withLedger((ledger) => ledger.create(record('1'))))).message).toContain('ENOENT')
  })

  it('reads lines that are longer than its pieces', async () => {
    const input = { text: 'y'.repeat(9 * 2 ** 20) }
    await withLedger((ledger) => ledger.create({ ...record('1'), input }))
    await appendFile(file, `${JSON.stringify(record('2'))}\n`)
    expect(await withLedger(async (ledger) => (await ledger.get('1'))!.input)).toEqual(input)
    expect([...(await statuses()).keys()]).toEqual(['1', '2'])
  })
})

const writer = fileURLToPath(new URL('programs/ledger-writer.mjs', import.meta.url))

/** Runs the writer and kills it after so long. @returns how often it acknowledged each id */
async function writeAndKill(prefix: string, afterMs: number): Promise<Map<string, number>> {
  const child = spawn(process.execPath, [writer, file, prefix], { stdio: ['ignore', 'pipe', 'inherit'] })
  const acknowledged = new Map<string, number>()
  const lines = createInterface(child.stdout)
  lines.on('line', (id) => acknowledged.set(id, (acknowledged.get(id) ?? 0) + 1))
  await once(lines, 'line')
  await after(afterMs)
  child.kill('SIGKILL')
  await once(child, 'close')
  return acknowledged
}

it(`has all that was acknowledged after ${KILLS} kills`, { timeout: 2_000 * KILLS }, async () => {
  const random = new Random(3)
  const counts = { acknowledged: 0, torn: 0 }
  for (let kill = 0; kill < KILLS; kill++) {
    // A longer file would only take longer to read.
    if (kill % 20 === 0) await rm(file, { force: true })
    const acknowledged = await writeAndKill(`${kill}`, random.between(0, 30))
    const { logger, lines } = capturedLogger()
    let kept = new Map<string, string>()
    await runAllJobs([async () => void (kept = await statuses())], undefined, { logger })
    expect(lines.length).toBeLessThanOrEqual(1)
    const lost = [...acknowledged].filter(([id, times]) =>
      times === 2 ? kept.get(id) !== 'succeeded' : !kept.has(id),
    )
    expect(lost).toEqual([])
    counts.acknowledged += acknowledged.size
    counts.torn += lines.length
  }
  console.log(`${counts.acknowledged} actions acknowledged, ${counts.torn} torn lines after ${KILLS} kills`)
})
