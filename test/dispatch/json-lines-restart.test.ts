import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runAllWorkers } from 'runutil'
import { JsonLinesActionLedger, Manager } from 'runutil/dispatch'
import { VirtualClock } from 'runutil/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { untilAbort } from '../support/outcome.ts'
import { eventually } from '../support/eventually.ts'

let folder: string
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'runutil-ledger-'))))
afterEach(() => rm(folder, { recursive: true }))

/** What a process leaves that is killed while one task is on and others wait: a copy of its file. */
async function leftBehind(exclusive: boolean): Promise<string> {
  const file = join(folder, 'first.jsonl')
  const ledger = new JsonLinesActionLedger(file)
  const manager = new Manager({ operation: 'test', ledger })
  const stop = new AbortController()
  const run = manager.run(stop.signal)
  const gate = new AbortController()
  const handler = ({ input }: { input: unknown }, signal: AbortSignal): Promise<void> =>
    untilAbort(input === 'done' ? gate.signal : signal)
  manager.workers.register('h', 't', handler, { exclusive })
  const done = manager.do('t', 'done')
  await done
  const calls = ['begun', 'cancelled', 'first', 'second'].map((input) => manager.do('t', input))
  for (const call of calls) call.catch(() => {})
  const waiting = (): Promise<unknown[]> => inputsOf(manager, 'running')
  await eventually(async () => expect(await waiting()).toHaveLength(5))
  const [, cancelled] = await ids(manager, ['begun', 'cancelled'])
  await manager.update({ id: cancelled!, status: 'failed', error: 'cancelled' })
  gate.abort()
  await done.completed
  const stuck = join(folder, 'left.jsonl')
  await calls[0]
  await copyFile(file, stuck)
  stop.abort()
  await run
  return stuck
}

async function inputsOf(manager: Manager, status: 'running' | 'failed'): Promise<unknown[]> {
  const inputs: unknown[] = []
  for await (const { input } of manager.actions.search({ status })) inputs.push(input)
  return inputs
}

async function ids(manager: Manager, inputs: string[]): Promise<string[]> {
  const found = new Map<unknown, string>()
  for await (const { id, input } of manager.actions.search({ input: { in: inputs } })) found.set(input, id)
  return inputs.map((input) => found.get(input)!)
}

/** A later process on what was left, and what its worker on `host` is given. */
async function restarted(file: string, host: string, beforeRun: boolean) {
  const clock = new VirtualClock()
  const manager = new Manager({ operation: 'test', ledger: new JsonLinesActionLedger(file), clock })
  const given: unknown[] = []
  const register = () => manager.workers.register(host, 't', ({ input }) => void given.push(input))
  if (beforeRun) register()
  const stop = new AbortController()
  const run = runAllWorkers([manager], stop.signal, { clock, logger: capturedLogger().logger })
  // It has been read.
  await manager.actions.get('any')
  if (!beforeRun) register()
  const end = async (): Promise<void> => {
    stop.abort()
    await run
  }
  return { clock, manager, given, end }
}

describe('tasks that waited when their process died', () => {
  it.each([
    ['before the ledger is read', true, false],
    ['later', false, false],
    ['later, of a target that it had for itself', false, true],
  ])(
    'are handed over again in their order when their worker is there, %s',
    async (_, beforeRun, exclusive) => {
      const file = await leftBehind(exclusive)
      const { manager, given, end } = await restarted(file, 'h', beforeRun)
      expect((await manager.do('t', 'new').completed).status).toBe('succeeded')
      expect(given).toEqual(['first', 'second', 'new'])
      expect(await inputsOf(manager, 'running')).toEqual(['begun'])
      await end()
    },
  )

  it('are given to nobody twice', async () => {
    const file = await leftBehind(false)
    const first = await restarted(file, 'h', true)
    await first.manager.do('t', 'new').completed
    await first.end()
    const second = await restarted(file, 'h', true)
    await second.manager.do('t', 'newer').completed
    expect(second.given).toEqual(['newer'])
    await second.end()
  })

  it('fail when their worker is not there in time, and are not given to another host’s', async () => {
    const file = await leftBehind(false)
    const { clock, manager, given, end } = await restarted(file, 'other host', true)
    const [first] = await ids(manager, ['first'])
    const later = async (): Promise<void> => {
      await clock.advance('1s')
      const action = await manager.actions.get(first!)
      expect(action).toMatchObject({ status: 'failed', error: 'worker lost' })
    }
    await eventually(later)
    expect(given).toEqual([])
    await end()
  })

  it('are written down as begun before they are, and only those that waited', async () => {
    const ledger = new JsonLinesActionLedger(join(folder, 'lines.jsonl'))
    const lines: unknown[] = []
    const manager = new Manager({ operation: 'test', ledger })
    const stop = new AbortController()
    const run = manager.run(stop.signal)
    const gate = new AbortController()
    manager.workers.register('h', 't', async ({ input }) => {
      lines.push(input)
      if (input === 1) await untilAbort(gate.signal)
    })
    const calls = [manager.do('t', 1), manager.do('t', 2)]
    await calls[0]
    await eventually(async () => expect(await inputsOf(manager, 'running')).toEqual([1, 2]))
    gate.abort()
    await Promise.all(calls.map((call) => call.completed))
    await manager.do('t', 3).completed
    stop.abort()
    await run
    const text = await readFile(join(folder, 'lines.jsonl'), 'utf8')
    const said = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { waiting?: boolean; input?: number })
    expect(said.map(({ input, waiting }) => [input, waiting])).toEqual([
      [1, undefined],
      [2, true],
      // The end of the first, the beginning of the second, and its end.
      [undefined, undefined],
      [undefined, false],
      [undefined, undefined],
      [3, undefined],
      [undefined, undefined],
    ])
    expect(lines).toEqual([1, 2, 3])
  })
})

it('a file that was made is synced with its folder', async () => {
  const synced: string[] = []
  vi.resetModules()
  vi.doMock('node:fs/promises', async (original) => {
    const fs = await original<typeof import('node:fs/promises')>()
    const open: typeof fs.open = async (path, ...rest) => {
      const handle = await fs.open(path, ...rest)
      const sync = handle.sync.bind(handle)
      handle.sync = async () => {
        if (String(path) === folder) synced.push(folder)
        return sync()
      }
      return handle
    }
    return { ...fs, open }
  })
  const dispatch = await import('../../packages/runutil/src/dispatch/json-lines-action-ledger.ts')
  const file = join(folder, 'actions.jsonl')
  const ledger = new dispatch.JsonLinesActionLedger(file)
  await ledger.get('1')
  expect(synced).toEqual([folder])
  await ledger.close()
  await ledger.get('1')
  expect(synced).toEqual([folder])
  await ledger.close()
  vi.doUnmock('node:fs/promises')
})
