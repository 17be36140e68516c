import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFile,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  readlink,
  realpath,
  rm,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { runAllJobs } from 'runutil'
import {
  Actions,
  JsonLinesActionLedger,
  LedgerCorruptError,
  LedgerFileError,
  Manager,
} from 'runutil/dispatch'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Random } from '../chaos/random.ts'
import { all } from '../support/dispatch/all.ts'
import { capturedLogger, withLogger } from '../support/logs.ts'
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
  id,
  operation: 'o',
  host: 'h',
  target: 't',
  input: { id },
  status: 'running' as const,
  createdAt: 1,
  updatedAt: 1,
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
    ['no record', '{"x":1}'],
    ['a change of what was never created', '{"id":"9","status":"failed","updatedAt":2}'],
    ['an action without some field', JSON.stringify({ ...record('9'), target: undefined })],
    ['an action with a status that there is not', JSON.stringify({ ...record('9'), status: 'done' })],
    ['an action whose time is text', JSON.stringify({ ...record('9'), createdAt: '2020-01-01' })],
    ['a change to no text', '{"id":"1","error":{"message":"m"},"updatedAt":2}'],
  ])('with %s in the middle says where, and drops nothing', async (_, line) => {
    const text = `${JSON.stringify(record('1'))}\n${line}\n${JSON.stringify(record('2'))}\n`
    await writeFile(file, text, { mode: 0o600 })
    const error = await failureOf(withLedger((ledger) => ledger.get('1')))
    expect(error).toBeInstanceOf(LedgerCorruptError)
    expect(error.message).toContain(`${file}:2: expected a record of an action as JSON; got `)
    expect(await readFile(file, 'utf8')).toBe(text)
  })

  it.each<[string, (folder: string) => string, string]>([
    [
      'in a folder that is not there',
      (at) => join(at, 'nowhere', 'actions.jsonl'),
      'nowhere/actions.jsonl cannot be opened; create the folder ',
    ],
    [
      'that is a folder',
      (at) => at,
      'cannot be opened; it is a folder: pass the path of a file in it: EISDIR',
    ],
    ['in what is no folder', (at) => join(at, 'file', 'actions.jsonl'), 'file is not a folder: ENOTDIR'],
  ])('%s says so, and may be there the next time', async (_, fileIn, message) => {
    await writeFile(join(folder, 'file'), '')
    file = fileIn(folder)
    const ledger = new JsonLinesActionLedger(file)
    const error = await failureOf(ledger.create(record('1')))
    expect(error).toBeInstanceOf(LedgerFileError)
    expect(error).toMatchObject({ code: 'ERR_LEDGER_FILE', file })
    expect(error.message).toContain(message)
    if (!file.includes('nowhere')) return
    await mkdir(join(folder, 'nowhere'))
    await ledger.create(record('1'))
    await ledger.close()
  })

  it('is closed when its last manager ends, and opened again when it is used', async () => {
    const ledger = new JsonLinesActionLedger(file)
    const managers = ['one', 'two'].map((operation) => new Manager({ operation, ledger }))
    const stops = managers.map(() => new AbortController())
    const runs = managers.map((manager, at) => manager.run(stops[at]!.signal))
    managers[0]!.workers.register('h', 't', () => {})
    await managers[0]!.do('t', 1).completed
    expect(await handlesOf(file)).toBe(1)
    stops[0]!.abort()
    await runs[0]
    expect(await handlesOf(file)).toBe(1)
    stops[1]!.abort()
    await runs[1]
    expect(await handlesOf(file)).toBe(0)
    const [action] = await all(managers[0]!.actions.search())
    expect(action).toMatchObject({ input: 1, status: 'succeeded' })
    expect(await handlesOf(file)).toBe(1)
    await ledger[Symbol.asyncDispose]()
    expect(await handlesOf(file)).toBe(0)
  })

  it('is closed when all is on the disk, and goes on being followed when it is opened again', async () => {
    const ledger = new JsonLinesActionLedger(file)
    const changes: string[] = []
    const { off } = await ledger.follow(({ record: { id } }) => void changes.push(id))
    const creating = ['1', '2', '3'].map((id) => ledger.create(record(id)))
    await Promise.resolve()
    await ledger.close()
    await Promise.all(creating)
    await ledger.create(record('4'))
    expect(changes).toEqual(['1', '2', '3', '4'])
    await off()
    expect([...(await statuses()).keys()]).toEqual(['1', '2', '3', '4'])
    expect(await handlesOf(file)).toBe(0)
  })

  it('reads lines that are longer than its pieces, and copies each piece of one no more than twice', async () => {
    const input = { text: 'y'.repeat(9 * 2 ** 20) }
    await withLedger((ledger) => ledger.create({ ...record('1'), input }))
    await appendFile(file, `${JSON.stringify(record('2'))}\n`)
    let copied = 0
    const concat = Buffer.concat.bind(Buffer)
    const from = Buffer.from.bind(Buffer)
    const spies = [
      vi.spyOn(Buffer, 'concat').mockImplementation((list, length) => {
        const whole = concat(list, length)
        copied += whole.length
        return whole
      }),
      vi.spyOn(Buffer, 'from').mockImplementation((...args: Parameters<typeof Buffer.from>) => {
        const copy = from(...args)
        copied += copy.length
        return copy
      }),
    ]
    const read = await withLedger(async (ledger) => (await ledger.get('1'))!.input)
    for (const spy of spies) spy.mockRestore()
    expect(read).toEqual(input)
    expect(copied).toBeLessThan(2.1 * input.text.length)
    expect([...(await statuses()).keys()]).toEqual(['1', '2'])
  })

  it.each<[string, string, string]>([
    ['a byte order mark', '\ufeff', '\n'],
    ['ends of lines as Windows has them', '', '\r\n'],
    ['carriage returns alone', '', '\r'],
    ['blank lines', '\n\n', '\n \n\t\n\n'],
    ['blank lines as Windows has them', '\ufeff\r\n', '\r\n\r\n'],
  ])('reads and goes on in one with %s', async (_, beginning, end) => {
    const lines = [record('1'), { id: '1', updatedAt: 2, status: 'succeeded' }, record('2')]
    const text = `${beginning}${lines.map((line) => `${JSON.stringify(line)}${end}`).join('')}`
    await writeFile(file, text, { mode: 0o600 })
    const { logger, lines: said } = capturedLogger()
    await withLogger(logger, () => withLedger((ledger) => ledger.create(record('3'))))
    expect(said).toEqual([])
    expect(await readFile(file, 'utf8')).toBe(`${text}${JSON.stringify(record('3'))}\n`)
    expect(await statuses()).toEqual(
      new Map([
        ['1', 'succeeded'],
        ['2', 'running'],
        ['3', 'running'],
      ]),
    )
  })

  it.each<[string, string]>([
    ['carriage returns', '\r'],
    ['both', '\r\n'],
    ['line feeds', '\n'],
  ])(
    'with lines that end in %s cuts off no more than the torn last one, and counts them right',
    async (_, end) => {
      const whole = `${JSON.stringify(record('1'))}${end}${JSON.stringify(record('2'))}${end}`
      await writeFile(file, `${whole}{"id":"3`, { mode: 0o600 })
      const { logger, lines } = capturedLogger()
      expect([...(await withLogger(logger, statuses)).keys()]).toEqual(['1', '2'])
      expect(lines.map(({ msg }) => msg)).toEqual([expect.stringContaining('dropped a torn last line, "{')])
      expect(await readFile(file, 'utf8')).toBe(whole)
      await writeFile(file, `${whole}${end}oops${end}${whole}`)
      expect((await failureOf(statuses())).message).toContain(`${file}:4: expected a record`)
    },
  )
})

/** How often this process has it open. */
async function handlesOf(path: string): Promise<number> {
  const real = await realpath(path)
  const open = await Promise.all(
    (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  )
  return open.filter((target) => target === real).length
}

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

it(`has all that was acknowledged after ${KILLS} kills`, { timeout: 240_000 + 10_000 * KILLS }, async () => {
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
