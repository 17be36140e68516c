import { getEventListeners, once } from 'node:events'
import { Readable } from 'node:stream'
import { type Action, Manager, MemoryActionLedger } from 'runutil/dispatch'
import { Probe } from 'runutil/testing'
import { describe, expect, it } from 'vitest'
import { all } from '../support/dispatch/all.ts'
import { running } from '../support/dispatch/running-manager.ts'
import { failureOf } from '../support/outcome.ts'

describe('search', () => {
  const at = (ms: number): Date => new Date(ms)
  const inputOf = (n: number, scheme: string) => ({
    n,
    url: `${scheme}://host/${n}`,
    tags: [`tag ${n}`],
    at: at(n * 10).toISOString(),
    deep: { is: { n } },
  })
  async function filled() {
    const given = await running()
    for (const [n, status] of (['running', 'failed', 'succeeded', 'failed'] as const).entries()) {
      const input = inputOf(n, status === 'failed' ? 'https' : 'http')
      await given.ledger.create({
        id: `${n}`,
        operation: 'test',
        host: `h${n}`,
        target: `t${n}`,
        input,
        status,
        createdAt: n * 10,
        updatedAt: n * 10,
        ...(status === 'failed' && { error: `timeout ${n}` }),
      })
    }
    await given.ledger.create({
      id: 'other',
      operation: 'other',
      host: 'h',
      target: 't',
      input: 1,
      status: 'running',
      createdAt: 1,
      updatedAt: 1,
    })
    for (const target of ['t0', 't1', 't2', 't3'])
      given.manager.workers.register(`h${target[1]!}`, target, () => {})
    return given
  }

  it.each<[Parameters<Manager['actions']['search']>[0], string[]]>([
    [{}, ['0', '1', '2', '3']],
    [{ status: 'failed' }, ['1', '3']],
    [{ status: { in: ['failed', 'running'] } }, ['0', '1', '3']],
    [{ input: inputOf(2, 'http') }, ['2']],
    [{ input: { in: [inputOf(2, 'http')] } }, ['2']],
    [{ input: { n: 2 } }, []],
    [{ host: 'h3', status: 'failed' }, ['3']],
    [{ error: { contains: 'timeout' } }, ['1', '3']],
    [{ error: { contains: '3' }, status: 'failed' }, ['3']],
    [{ createdAt: { gte: at(10), lt: at(30) } }, ['1', '2']],
    [{ createdAt: { gt: at(10), lte: at(30) } }, ['2', '3']],
    [{ createdAt: at(20) }, ['2']],
    [{ id: { gte: '2' } }, ['2', '3']],
    [{ input: { contains: '"n":1,' } }, ['1']],
    [{ output: 'none' }, []],
    [{ 'input.n': 2 }, ['2']],
    [{ 'input.n': { gte: 1, lt: 3 } }, ['1', '2']],
    [{ 'input.n': { in: [0, 3] } }, ['0', '3']],
    [{ 'input.url': { startsWith: 'https' } }, ['1', '3']],
    [{ 'input.url': { startsWith: 'https', endsWith: '/3' } }, ['3']],
    [{ 'input.url': { contains: 'host/1' } }, ['1']],
    [{ 'input.tags.0': 'tag 1' }, ['1']],
    [{ 'input.tags.length': 1 }, ['0', '1', '2', '3']],
    [{ 'input.at': { gt: at(10) } }, ['2', '3']],
    [{ 'input.deep': { is: { n: 3 } } }, ['3']],
    [{ 'input.deep.is.n': 3, status: 'failed' }, ['3']],
    [{ 'input.constructor': { in: [{}] } }, []],
    [{ 'input.n.x': 1 }, []],
    [{ 'output.n': 1 }, []],
    [{ error: { endsWith: ' 3' } }, ['3']],
    [{ error: { contains: '' } }, ['1', '3']],
    [{ 'input.none': { contains: '' } }, []],
    [{ host: { startsWith: 'h' }, target: { endsWith: '1' } }, ['1']],
    [{ not: { status: 'failed' } }, ['0', '2']],
    [{ not: { 'input.n': { gt: 0 } } }, ['0']],
    [{ not: { error: { contains: 'timeout' } } }, ['0', '2']],
    [{ or: [{ status: 'running' }, { 'input.n': 3 }] }, ['0', '3']],
    [{ or: [{ not: { status: 'failed' } }, { 'input.n': 3 }], host: { in: ['h0', 'h3'] } }, ['0', '3']],
    [{ not: { or: [{ status: 'failed' }, { 'input.n': 2 }] } }, ['0']],
    [{ not: undefined, or: undefined, 'input.n': undefined }, ['0', '1', '2', '3']],
    [{ status: undefined }, ['0', '1', '2', '3']],
  ])('for %j finds %j', async (query, ids) => {
    const { manager, stop } = await filled()
    expect((await all(manager.actions.search(query))).map(({ id }) => id)).toEqual(ids)
    await stop()
  })

  it('by input finds those with the same', async () => {
    const { manager, stop } = await filled()
    expect((await manager.actions.byInput(inputOf(2, 'http'))).map(({ id }) => id)).toEqual(['2'])
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

  it.each<[string, unknown, string]>([
    [
      'an operator',
      { error: { contain: 'x' } },
      "search: error: unknown operator 'contain'; did you mean 'contains'?",
    ],
    ['an operator', { createdAt: { gtt: at(1) } }, "createdAt: unknown operator 'gtt'; did you mean 'gt"],
    ['an operator of text for a time', { createdAt: { contains: '1' } }, 'known are gt, gte, lt, lte, in'],
    ['an operator', { status: { nin: ['failed'] } }, "status: unknown operator 'nin'; did you mean 'in'?"],
    ['an operator', { 'input.url': { startWith: 'x' } }, "'startWith'; did you mean 'startsWith'?"],
    ['an operator', { 'input.n': { $gt: 1 } }, "input.n: unknown operator '$gt'; did you mean 'gt'?"],
    ['not as an operator', { host: { not: 'h' } }, "host: unknown operator 'not'; known are gt, gte"],
    ['no operators', { host: {} }, 'search: host: expected operators; got none; known are gt, gte'],
    ['operators beside other keys', { input: { contains: 'x', n: 1 } }, "unknown operator 'n'"],
    [
      'operators beside other keys',
      { 'input.deep': { is: 1, in: [1] } },
      'To search for a value with such keys, write { in: [value] }',
    ],
    [
      'a RegExp',
      { error: /timeout/ },
      'search: error: expected a value or operators; got an instance of RegExp',
    ],
    ['a RegExp', { input: /x/ }, 'RegExp; use contains, startsWith or endsWith'],
    ['a RegExp', { 'input.url': /x/ }, 'RegExp; use contains, startsWith or endsWith'],
    [
      'a RegExp inside',
      { input: { url: /x/ } },
      'search: input.url: expected a JSON value; got an instance of RegExp',
    ],
    [
      'a RegExp as an operand',
      { error: { contains: /x/ } },
      'error: contains: expected a string; got an instance',
    ],
    ['a RegExp in a list', { host: { in: [/x/] } }, 'search: host: in[0]: expected a value or operators'],
    [
      'a RegExp as a query',
      /x/,
      'search: expected an object such as { status: … }; got an instance of RegExp',
    ],
    ['a field', { 'inptu.n': 1 }, "search: unknown field 'inptu.n'; did you mean 'input.n'?"],
    ['a field', { 'host.name': 1 }, "search: unknown field 'host.name'; known are id, operation"],
    ['a path', { 'input.': 1 }, "search: unknown field 'input.'; did you mean 'input'?"],
    ['a path', { 'input..n': 1 }, "unknown field 'input..n'; did you mean 'input'?"],
    [
      'a field in not',
      { not: { statsu: 'failed' } },
      "search: not: unknown field 'statsu'; did you mean 'status'?",
    ],
    [
      'a field in or',
      { or: [{}, { hots: 'h' }] },
      "search: or[1]: unknown field 'hots'; did you mean 'host'?",
    ],
    [
      'or that is no list',
      { or: { status: 'failed' } },
      'search: or: expected an array of at least one query',
    ],
    ['or of nothing', { or: [] }, 'search: or: expected an array of at least one query; got an array of 0'],
    ['not of no query', { not: 'failed' }, 'search: not: expected an object such as'],
    [
      'a status',
      { status: 'fialed' },
      'expected one of running, succeeded, failed; got "fialed"; did you mean \'failed\'?',
    ],
    [
      'a status',
      { status: { in: ['done'] } },
      'search: status: in[0]: expected one of running, succeeded, failed',
    ],
    ['a number as text', { host: 7 }, 'search: host: expected a string, or { gt, gte'],
    ['a number as a time', { createdAt: 7 }, 'search: createdAt: expected a valid Date, or { gt, gte'],
    ['a text as a time', { createdAt: { gt: '2000' } }, 'search: createdAt: gt: expected a valid Date'],
    [
      'what has no order',
      { 'input.n': { gt: [1] } },
      'gt: expected a Date, a string or a number; got an array of 1',
    ],
    ['what is not JSON', { 'input.n': Number.NaN }, 'search: input.n: expected a JSON value; got NaN'],
  ])('refuses %s that it does not know: %j', async (_, query, message) => {
    const { manager, stop } = await filled()
    const search = (): unknown => manager.actions.search(query as never)
    expect(search).toThrow(message)
    expect(search).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }) as Error)
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

  it.each([
    ['monitor', true],
    ['search', false],
  ])('that is left while it waits ends, and takes its listeners off: of a %s', async (_, monitor) => {
    const { manager, stop } = await filled()
    const abort = new AbortController()
    const found = manager.actions.search({}, { signal: abort.signal, monitor })[Symbol.asyncIterator]()
    for (let n = 0; n < 4; n++) await found.next()
    const next = found.next()
    await found.return!()
    expect(await next).toEqual({ done: true, value: undefined })
    expect(await found.next()).toEqual({ done: true, value: undefined })
    expect(getEventListeners(abort.signal, 'abort')).toEqual([])
    await stop()
  })

  it('with monitor may be read as a stream, which ends when it is destroyed', async () => {
    const { manager, stop } = await filled()
    const stream = Readable.from(manager.actions.search({}, { monitor: true }))
    for (let n = 0; n < 4; n++) await once(stream, 'readable').then(() => stream.read() as unknown)
    const closed = once(stream, 'close')
    stream.destroy()
    await closed
    await stop()
  })

  it('gives copies, which nobody can change the ledger by', async () => {
    const { manager, stop } = await filled()
    const action = (await manager.actions.get('2')) as Action<{ n: number }>
    action.input.n = 7
    expect(() => Object.assign(action, { status: 'failed' })).toThrow(TypeError)
    expect((await manager.actions.get('2'))?.input).toEqual(inputOf(2, 'http'))
    await stop()
  })
})

describe('list', () => {
  async function listOf(count: number) {
    const ledger = new MemoryActionLedger()
    const manager = new Manager({ operation: 'test', ledger })
    for (let at = 0; at < count; at++) {
      const status = at % 10 === 0 ? 'failed' : 'succeeded'
      const times = { createdAt: at, updatedAt: at }
      await ledger.create({
        id: `${at}`,
        operation: 'test',
        host: 'h',
        target: 't',
        input: { at },
        status,
        ...times,
      })
    }
    return manager.actions
  }
  const idsOf = (actions: readonly Action[]): string[] => actions.map(({ id }) => id)

  it('gives the newest, 50 of them unless a limit says otherwise, and where the next page begins', async () => {
    const actions = await listOf(60)
    const first = await actions.list()
    expect(idsOf(first.actions)).toEqual(Array.from({ length: 50 }, (_, at) => `${59 - at}`))
    const last = await actions.list({}, { after: first.next })
    expect(idsOf(last.actions)).toEqual(['9', '8', '7', '6', '5', '4', '3', '2', '1', '0'])
    expect('next' in last).toBe(false)
    expect(idsOf((await actions.list({ status: 'failed' }, { limit: 2 })).actions)).toEqual(['50', '40'])
    expect(idsOf((await actions.list({}, { limit: 2, after: '9' })).actions)).toEqual(['8', '7'])
    expect(await actions.list({ operation: 'other' })).toEqual({ actions: [] })
  })

  it('looks at no more than 10,000 actions for a page, which may be empty and still have a next', async () => {
    const actions = await listOf(12_000)
    const first = await actions.list({ 'input.at': { lt: 3 } })
    expect(first.actions).toEqual([])
    const second = await actions.list({ 'input.at': { lt: 3 } }, { after: first.next })
    expect(idsOf(second.actions)).toEqual(['2', '1', '0'])
    expect(second.next).toBeUndefined()
  })

  it.each([
    [{ limit: 0 }, 'list: limit: expected a whole number from 1 to 1000; got 0'],
    [{ limit: 1_001 }, 'list: limit: expected a whole number from 1 to 1000; got 1001'],
    [{ before: '1' }, "list: unknown option 'before'; known are limit, after, signal"],
    [{ after: 7 }, 'list: after: expected a string; got 7'],
    [
      { after: 'gone' },
      "list: after: expected the 'next' of another page; got 'gone', which isn't there any more",
    ],
    [{ signal: AbortSignal.abort(new Error('enough')) }, 'enough'],
  ])('refuses a page that there is not: %o', async (page, message) => {
    await expect((await listOf(2)).list({}, page as never)).rejects.toThrow(message)
  })

  it('refuses a query as search does', async () => {
    await expect((await listOf(1)).list({ statsu: 'failed' } as never)).rejects.toThrow(
      "list: unknown field 'statsu'",
    )
  })
})
