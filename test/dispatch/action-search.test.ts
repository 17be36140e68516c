import { getEventListeners } from 'node:events'
import { type Action, Manager, MemoryActionLedger } from 'runutil/dispatch'
import { Probe } from 'runutil/testing'
import { describe, expect, it } from 'vitest'
import { all } from '../support/dispatch/all.ts'
import { running } from '../support/dispatch/running-manager.ts'
import { failureOf } from '../support/outcome.ts'

describe('search', () => {
  const at = (ms: number): Date => new Date(ms)
  async function filled() {
    const given = await running()
    for (const [n, status] of (['running', 'failed', 'succeeded', 'failed'] as const).entries()) {
      await given.ledger.create({
        ...{ id: `${n}`, operation: 'test', host: `h${n}`, target: `t${n}`, input: { n }, status },
        ...{ createdAt: n * 10, updatedAt: n * 10, ...(status === 'failed' && { error: `timeout ${n}` }) },
      })
    }
    await given.ledger.create({
      ...{ id: 'other', operation: 'other', host: 'h', target: 't', input: 1, status: 'running' },
      ...{ createdAt: 1, updatedAt: 1 },
    })
    for (const target of ['t0', 't1', 't2', 't3'])
      given.manager.workers.register(`h${target[1]!}`, target, () => {})
    return given
  }

  it.each<[Parameters<Manager['actions']['search']>[0], string[]]>([
    [{}, ['0', '1', '2', '3']],
    [{ status: 'failed' }, ['1', '3']],
    [{ status: { in: ['failed', 'running'] } }, ['0', '1', '3']],
    [{ input: { n: 2 } }, ['2']],
    [{ host: 'h3', status: 'failed' }, ['3']],
    [{ error: { contains: 'timeout' } }, ['1', '3']],
    [{ error: { contains: '3' }, status: 'failed' }, ['3']],
    [{ createdAt: { gte: at(10), lt: at(30) } }, ['1', '2']],
    [{ createdAt: { gt: at(10), lte: at(30) } }, ['2', '3']],
    [{ createdAt: at(20) }, ['2']],
    [{ id: { gte: '2' } }, ['2', '3']],
    [{ input: { contains: '"n":1' } }, ['1']],
    [{ output: 'none' }, []],
    [{ status: undefined }, ['0', '1', '2', '3']],
  ])('for %j finds %j', async (query, ids) => {
    const { manager, stop } = await filled()
    expect((await all(manager.actions.search(query))).map(({ id }) => id)).toEqual(ids)
    await stop()
  })

  it('by input finds those with the same', async () => {
    const { manager, stop } = await filled()
    expect((await manager.actions.byInput({ n: 2 })).map(({ id }) => id)).toEqual(['2'])
    await stop()
  })

  it('takes inputs as JSON has them', async () => {
    const { manager, stop } = await running()
    manager.workers.register('host', 'target', () => {})
    const input = { a: 1, b: undefined, at: new Date(0) }
    const { id } = await manager.do('target', input).completed
    expect((await manager.actions.byInput(input)).map((action) => action.id)).toEqual([id])
    for (const query of [{ input }, { input: { in: [input] } }]) {
      expect((await all(manager.actions.search(query))).map((action) => action.id)).toEqual([id])
    }
    await stop()
  })

  it('refuses unknown fields and operands, at the call', async () => {
    const { manager, stop } = await filled()
    expect(() => manager.actions.search({ statsu: 'failed' } as never)).toThrow("did you mean 'status'?")
    expect(() => manager.actions.search({ error: { contains: 1 } } as never)).toThrow(
      'search: error: contains: expected a string',
    )
    expect(() => manager.actions.search({}, { monitr: true } as never)).toThrow("did you mean 'monitor'?")
    await stop()
  })

  it.each<[string, (manager: Manager) => unknown]>([
    ['get', (manager) => manager.actions.get('a\0b')],
    ['search by id', (manager) => manager.actions.search({ id: 'a\0b' })],
    ['search by target', (manager) => manager.actions.search({ target: { in: ['a', 'half \ud800'] } })],
    ['update', (manager) => manager.update({ id: 'a\0b' })],
    ['do', (manager) => manager.do('a\0b', {})],
    ['register', (manager) => manager.workers.register('host', 'a\0b', () => {})],
    ['operation', () => new Manager({ operation: 'a\0b', ledger: new MemoryActionLedger() })],
  ])('refuses text that no ledger can hold: %s', async (_, call) => {
    const { manager, stop } = await running()
    const error = await failureOf((async () => call(manager))())
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    expect(error.message).toMatch(/expected text without NUL/)
    // Where it means something else than a name, it may be looked for.
    for await (const found of manager.actions.search({ error: { contains: '\0' } }))
      expect(found).toBeUndefined()
    await stop()
  })

  it('with monitor goes on with each change that matches, until the abort', async () => {
    const { manager, stop, ledger } = await filled()
    const seen = new Probe<string>('seen')
    const abort = new AbortController()
    const watching = (async () => {
      for await (const action of manager.actions.search(
        { target: 't1' },
        { signal: abort.signal, monitor: true },
      )) {
        seen.hit(`${action.status} ${String(action.output)}`)
      }
    })()
    await seen.times(1)
    manager.workers.find('t1')
    await manager.do('t1', 1).completed
    await manager.do('t2', 1).completed
    await ledger.update({ id: '1', updatedAt: 99, output: 'more' })
    await seen.times(4)
    abort.abort()
    await watching
    expect(seen.values).toEqual([
      'failed undefined',
      'running undefined',
      'succeeded undefined',
      'failed more',
    ])
    expect(getEventListeners(abort.signal, 'abort')).toEqual([])
    await stop()
  })

  it('whose loop is left takes its listeners off', async () => {
    const { manager, stop } = await filled()
    const abort = new AbortController()
    for await (const action of manager.actions.search({}, { signal: abort.signal, monitor: true })) {
      expect(action.id).toBe('0')
      break
    }
    expect(getEventListeners(abort.signal, 'abort')).toEqual([])
    await stop()
  })

  it('gives copies, which nobody can change the ledger by', async () => {
    const { manager, stop } = await filled()
    const action = (await manager.actions.get('2')) as Action<{ n: number }>
    action.input.n = 7
    expect(() => Object.assign(action, { status: 'failed' })).toThrow(TypeError)
    expect((await manager.actions.get('2'))?.input).toEqual({ n: 2 })
    await stop()
  })
})
