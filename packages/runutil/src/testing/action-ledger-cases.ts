import assert from 'node:assert/strict'
import type { ActionLedger, SearchHint, SeenRecord } from '../dispatch/action-ledger.ts'
import type { ActionRecord } from '../dispatch/action.ts'
import { Probe } from './probe.ts'

/** What a case of `actionLedgerConformance` is given. */
export interface ActionLedgerContext {
  /** An empty ledger. */
  readonly ledger: ActionLedger
  /** Opens the same actions again, as another process or a later start would. */
  readonly again: () => Promise<ActionLedger>
}

/** Sentences, and the functions that check them. */
export type ActionLedgerCases = Record<string, (context: ActionLedgerContext) => Promise<void>>

/**
 * The contract of every ActionLedger as test cases, for any test runner: a case rejects if the ledger breaks it.
 *
 * @example
 * for (const [sentence, check] of Object.entries(actionLedgerConformance)) {
 *   test(sentence, () => {
 *     const ledger = new MemoryActionLedger()
 *     return check({ ledger, again: async () => ledger })
 *   })
 * }
 */
export const actionLedgerConformance: ActionLedgerCases = {
  'a created action is found, also by others': async ({ ledger, again }) => {
    const record = action('1', { input: { deep: [1, 'two', null] } })
    await ledger.create(record)
    assert.deepEqual(await ledger.get('1'), record)
    assert.deepEqual(await (await again()).get('1'), record)
    assert.equal(await ledger.get('2'), undefined)
  },

  'an update changes the given fields and no others': async ({ ledger, again }) => {
    await ledger.create(action('1'))
    const change = { id: '1', updatedAt: 2, output: { x: 1 }, error: undefined }
    const changed = { ...action('1'), output: { x: 1 }, updatedAt: 2 }
    assert.deepEqual(await ledger.update(change), changed)
    assert.deepEqual(await ledger.update({ id: '1', updatedAt: 3, status: 'failed', error: 'broken' }), {
      ...changed,
      status: 'failed',
      error: 'broken',
      updatedAt: 3,
    })
    assert.deepEqual(await (await again()).get('1'), await ledger.get('1'))
  },

  'an ended action keeps its status, but other fields may be updated': async ({ ledger }) => {
    await ledger.create(action('1'))
    await ledger.update({ id: '1', updatedAt: 2, status: 'succeeded' })
    for (const status of ['running', 'failed'] as const) {
      await assert.rejects(ledger.update({ id: '1', updatedAt: 3, status }), { name: 'ErrActionEnded' })
    }
    const added = await ledger.update({ id: '1', updatedAt: 4, status: 'succeeded', output: 'late' })
    assert.deepEqual([added.status, added.output, added.updatedAt], ['succeeded', 'late', 4])
  },

  'a change with ifRunning does not change an ended action': async ({ ledger }) => {
    await ledger.create(action('1'))
    const change = { id: '1', updatedAt: 2, status: 'failed', error: 'broken' } as const
    const failed = await ledger.update(change, { ifRunning: true })
    assert.deepEqual(failed, { ...action('1'), ...change })
    const changes = new Probe<SeenRecord>('changes')
    const { off } = await ledger.follow((seen) => changes.hit(seen), assert.ifError)
    for (const error of ['broken', 'late']) {
      assert.deepEqual(await ledger.update({ ...change, updatedAt: 3, error }, { ifRunning: true }), failed)
    }
    const succeeded = { id: '1', updatedAt: 3, status: 'succeeded' } as const
    assert.deepEqual(await ledger.update(succeeded, { ifRunning: true }), failed)
    assert.deepEqual(await ledger.get('1'), failed)
    await ledger.create(action('2'))
    await changes.times(1)
    assert.deepEqual(
      changes.values.map(({ record }) => record.id),
      ['2'],
    )
    await off()
  },

  'any text comes back as it went in': async ({ ledger, again }) => {
    const texts = [
      'NUL \0',
      'half \ud83d',
      '\udc00 other half',
      '\\u0000 \\ud83d',
      '\ufdd0 \ufdd00000',
      '🎉 "\\"',
    ]
    for (const [at, text] of texts.entries()) {
      const id = `${at}`
      const record = action(id, { input: { [text]: [text] } })
      await ledger.create(record)
      const change = { id, updatedAt: 2, output: text, status: 'failed', error: text } as const
      assert.deepEqual(await ledger.update(change), { ...record, ...change })
      assert.deepEqual(await (await again()).get(id), { ...record, ...change })
    }
    const found: ActionRecord[] = []
    for await (const { record } of ledger.search({})) found.push(record)
    assert.deepEqual(
      found.map(({ error }) => error),
      texts,
    )
  },

  'an update of an unknown action is refused': async ({ ledger }) => {
    await assert.rejects(ledger.update({ id: 'none', updatedAt: 1 }), { name: 'ErrNoSuchAction' })
  },

  'a search returns all actions, or those that match, oldest first': async ({ ledger }) => {
    for (const id of ['3', '1', '2']) await ledger.create(action(id, { host: `host ${id}` }))
    await ledger.update({ id: '1', updatedAt: 2, status: 'failed' })
    assert.deepEqual(await ids(ledger.search({})), ['3', '1', '2'])
    assert.deepEqual(await ids(ledger.search({ status: 'running' })), ['3', '2'])
    const narrowed = await ids(ledger.search({ operation: 'test', host: 'host 2' }))
    assert.ok(narrowed.includes('2'))
  },

  'the newest come first, in pages of any size, also when some change meanwhile': async ({
    ledger,
    again,
  }) => {
    const ids = ['3', '1', '2', '5', '4']
    for (const id of ids) await ledger.create(action(id))
    await ledger.create(action('other', { operation: 'other' }))
    for (const opened of [ledger, await again()]) {
      for (const limit of [1, 2, 5, 6])
        assert.deepEqual(await newestIds(opened, {}, limit), [...ids].reverse())
    }
    const first = await ledger.newest({ operation: 'test' }, { limit: 2, after: undefined })
    await ledger.update({ id: '2', updatedAt: 2, status: 'failed' })
    await ledger.create(action('6'))
    const second = await ledger.newest({ operation: 'test' }, { limit: 2, after: first.next })
    assert.deepEqual(
      [...first.records, ...second.records].map(({ id, status }) => [id, status]),
      [
        ['4', 'running'],
        ['5', 'running'],
        ['2', 'failed'],
        ['1', 'running'],
      ],
    )
  },

  'of the newest, those that have all that is asked for': async ({ ledger }) => {
    for (let at = 0; at < 12; at++) {
      await ledger.create(action(`${at}`, { host: `host ${at % 2}`, target: `target ${at % 3}` }))
    }
    for (const id of ['1', '4', '5', '10']) await ledger.update({ id, updatedAt: 2, status: 'failed' })
    await ledger.update({ id: '8', updatedAt: 2, status: 'succeeded' })
    const finds: [SearchHint, string[]][] = [
      [{ status: 'failed' }, ['10', '5', '4', '1']],
      [{ status: 'succeeded' }, ['8']],
      [{ status: 'running' }, ['11', '9', '7', '6', '3', '2', '0']],
      [{ host: 'host 1' }, ['11', '9', '7', '5', '3', '1']],
      [{ target: 'target 1' }, ['10', '7', '4', '1']],
      [{ host: 'host 0', target: 'target 1', status: 'failed' }, ['10', '4']],
      [{ host: 'host 2' }, []],
      [{ operation: 'other' }, []],
    ]
    for (const [hint, expected] of finds) {
      for (const limit of [1, 3, 100]) {
        assert.deepEqual(await newestIds(ledger, hint, limit), expected, JSON.stringify(hint))
      }
    }
  },

  'a page of the newest looks at no more than 1,000 actions, and ends at the last of them': async ({
    ledger,
  }) => {
    await ledger.create(action('rare', { target: 'rare' }))
    const many = Array.from({ length: 1_500 }, (_, at) => `${at}`)
    await Promise.all(many.map((id) => ledger.create(action(id))))
    const hint = { operation: 'test', target: 'rare' }
    const { records, next } = await ledger.newest(hint, { limit: 10, after: undefined })
    assert.deepEqual([records.length, next === undefined], [0, false])
    assert.deepEqual(await newestIds(ledger, hint, 10), ['rare'])
    assert.deepEqual((await newestIds(ledger, {}, 700)).sort(), ['rare', ...many].sort())
  },

  'a page after an action that is not there is refused': async ({ ledger }) => {
    await ledger.create(action('1'))
    const after = (id: string) => ledger.newest({ operation: 'test' }, { limit: 1, after: id })
    assert.deepEqual(await after('1'), { records: [], next: undefined })
    await assert.rejects(after('none'), { name: 'ErrNoSuchAction' })
  },

  'a search returns any number of actions': async ({ ledger }) => {
    const many = Array.from({ length: 2_500 }, (_, at) => `${at}`)
    await Promise.all(many.map((id) => ledger.create(action(id))))
    assert.deepEqual((await ids(ledger.search({}))).sort(), many.sort())
  },

  'a follower receives each change once, those of one action in order': async ({ ledger }) => {
    await ledger.create(action('before'))
    const changes = new Probe<SeenRecord>('changes')
    const { revision, off } = await ledger.follow((seen) => changes.hit(seen), assert.ifError)
    await Promise.all(['1', '2', '3'].map((id) => ledger.create(action(id))))
    await Promise.all(
      ['1', '2', '3'].map(async (id) => {
        await ledger.update({ id, updatedAt: 2, output: 'half' })
        await ledger.update({ id, updatedAt: 3, status: 'succeeded' })
      }),
    )
    const received = await changes.times(9)
    assert.ok(received.every((seen) => seen.revision > revision))
    for (const id of ['1', '2', '3']) {
      const mine = received.filter(({ record }) => record.id === id)
      assert.deepEqual(
        mine.map(({ record }) => [record.status, record.output]),
        [
          ['running', undefined],
          ['running', 'half'],
          ['succeeded', 'half'],
        ],
      )
    }
    await off()
    await ledger.create(action('after'))
    assert.equal(changes.count, 9)
  },
}

function action(id: string, given: Partial<ActionRecord> = {}): ActionRecord {
  return {
    id,
    operation: 'test',
    host: 'host',
    target: 'target',
    input: {},
    status: 'running',
    createdAt: 1,
    updatedAt: 1,
    ...given,
  }
}

async function ids(found: AsyncIterable<SeenRecord>): Promise<string[]> {
  const all: string[] = []
  for await (const { record } of found) all.push(record.id)
  return all
}

/** The ids that all pages of this many give. */
async function newestIds(ledger: ActionLedger, hint: SearchHint, limit: number): Promise<string[]> {
  const all: string[] = []
  let after: string | undefined
  do {
    const { records, next } = await ledger.newest({ operation: 'test', ...hint }, { limit, after })
    assert.ok(records.length <= limit, `expected at most ${limit} records; got ${records.length}`)
    all.push(...records.map(({ id }) => id))
    after = next
  } while (after !== undefined)
  return all
}
