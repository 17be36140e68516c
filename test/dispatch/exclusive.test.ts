import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  JsonLinesActionLedger,
  LedgerInUseError,
  Manager,
  MemoryActionLedger,
  OwnTargetError,
} from 'runutil/dispatch'
import { describe, expect, it } from 'vitest'
import { all } from '../support/dispatch/all.ts'
import { running } from '../support/dispatch/running-manager.ts'
import { failureOf, untilAbort } from '../support/outcome.ts'

/** Two managers that share a ledger, and what their handlers of target 't' do. */
async function twoOperations() {
  const ledger = new MemoryActionLedger()
  const one = await running({ operation: 'one', ledger })
  const two = await running({ operation: 'two', ledger })
  const stop = async (): Promise<void> => {
    await one.stop()
    await two.stop()
  }
  return { one: one.manager, two: two.manager, ledger, stop }
}

describe('exclusive targets', () => {
  it('have one task at a time over all operations', async () => {
    const { one, two, stop } = await twoOperations()
    const log: string[] = []
    const handler = (name: string) => async (task: { input: unknown }) => {
      log.push(`${name} begins ${String(task.input)}`)
      for (let turn = 0; turn < 20; turn++) await Promise.resolve()
      log.push(`${name} ends ${String(task.input)}`)
    }
    one.workers.register('h', 't', handler('one'), { exclusive: true })
    two.workers.register('h', 't', handler('two'), { exclusive: true })
    const calls = [one, two, two, one, two].map((manager, at) => manager.do('t', at).completed)
    await Promise.all(calls)
    const begun = log.filter((line) => line.includes('begins'))
    expect(log).toEqual(begun.flatMap((line) => [line, line.replace('begins', 'ends')]))
    expect(begun).toHaveLength(5)
    await stop()
  })

  it('are free again when a handler throws', async () => {
    const { one, two, stop } = await twoOperations()
    one.workers.register('h', 't', () => Promise.reject(new Error('broken')), { exclusive: true })
    two.workers.register('h', 't', () => {}, { exclusive: true })
    const first = one.do('t', 1)
    const second = two.do('t', 2)
    expect((await failureOf(first.completed)).message).toBe('broken')
    expect((await second.completed).status).toBe('succeeded')
    await stop()
  })

  it('are no matter of who is registered otherwise', async () => {
    const { one, two, stop } = await twoOperations()
    let within: string | undefined
    one.workers.register('h', 't', async () => void (within = (await two.do('t', 2).completed).status), {
      exclusive: true,
    })
    two.workers.register('h', 't', () => {})
    await one.do('t', 1).completed
    expect(within).toBe('succeeded')
    await stop()
  })

  it.each(['one', 'two'] as const)(
    'take no do of %s from inside of their own task, which would wait for itself',
    async (operation) => {
      const { ledger, stop, ...managers } = await twoOperations()
      let refused: unknown
      let later: Promise<unknown> | undefined
      const ended = new AbortController()
      const handler = async (task: { input: unknown }): Promise<void> => {
        if (task.input !== 'first') return
        refused = await failureOf(managers[operation].do('t', 'inner'))
        // What it started is no part of it when it has ended.
        later = untilAbort(ended.signal).then(() => managers[operation].do('t', 'later').completed)
        await managers.two.do('u', 'elsewhere').completed
      }
      managers.one.workers.register('h', 't', handler, { exclusive: true })
      managers.two.workers.register('h', 't', () => {}, { exclusive: true })
      managers.two.workers.register('h', 'u', () => {}, { exclusive: true })
      await managers.one.do('t', 'first').completed
      expect(refused).toBeInstanceOf(OwnTargetError)
      expect(refused).toMatchObject({ code: 'ERR_OWN_TARGET', target: 't' })
      ended.abort()
      await later
      const inputs = (await all(ledger.search({}))).map(({ record }) => record.input)
      expect(inputs).toEqual(['first', 'elsewhere', 'later'])
      await stop()
    },
  )

  it('of a JSON lines file are in one ledger object at a time, since no other can open the file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'runutil-exclusive-'))
    const file = join(folder, 'actions.jsonl')
    const first = new JsonLinesActionLedger(file)
    const second = new JsonLinesActionLedger(file)
    const one = await running({ operation: 'one', ledger: first })
    const gate = new AbortController()
    one.manager.workers.register('h', 't', () => untilAbort(gate.signal), { exclusive: true })
    const task = one.manager.do('t', 1)
    await task
    const two = new Manager({ operation: 'two', ledger: second })
    two.workers.register('h', 't', () => {}, { exclusive: true })
    const refused = await failureOf(two.run(new AbortController().signal))
    expect(refused).toBeInstanceOf(LedgerInUseError)
    expect(refused).toMatchObject({ code: 'ERR_LEDGER_IN_USE', pid: process.pid })
    gate.abort()
    await task.completed
    await one.stop()
    const after = await running({ operation: 'two', ledger: second })
    after.manager.workers.register('h', 'u', () => {}, { exclusive: true })
    expect((await after.manager.do('u', 2).completed).status).toBe('succeeded')
    await after.stop()
    await rm(folder, { recursive: true })
  })

  it.each<[string, object, string]>([
    [
      'an unknown option',
      { exclusiv: true },
      "register: unknown option 'exclusiv'; did you mean 'exclusive'?",
    ],
    ['what is no flag', { exclusive: 'yes' }, 'register: exclusive: expected true or false; got "yes"'],
  ])('refuse %s', (_, options, message) => {
    const manager = new Manager({ operation: 'one', ledger: new MemoryActionLedger() })
    expect(() => manager.workers.register('h', 't', () => {}, options)).toThrow(message)
  })
})
