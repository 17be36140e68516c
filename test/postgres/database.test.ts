import { PGlite } from '@electric-sql/pglite'
import {
  type Database,
  DatabaseClosedError,
  TransactionRolledBackError,
  openDatabase,
} from 'runutil/postgres'
import { Probe } from 'runutil/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kindsOfDatabase } from '../support/postgres/databases.ts'

// PGlite takes a while to open.
let theirs: PGlite
const kinds = [
  ...kindsOfDatabase.filter(({ name }) => name === 'PostgreSQL'),
  {
    name: `a PGlite of the caller's`,
    async open() {
      theirs = await PGlite.create('memory://')
      return openDatabase(theirs)
    },
  },
]

describe.each(kinds)('a Database on $name', (kind) => {
  let database: Database
  beforeAll(async () => {
    database = await kind.open()
    await database.query({ text: 'create table notes (text text primary key deferrable)' })
  })
  afterAll(() => database.close())

  const notes = async (prefix: string): Promise<unknown[]> =>
    (await database.query({ text: 'select text from notes where text like $1' }, [`${prefix}%`])).flat()

  it.each([
    ['numbers', 'select $1::int, 1.5::float8', [1], [1, 1.5]],
    ['text as it is', 'select $1::text', ['ä "quoted" $1'], ['ä "quoted" $1']],
    ['JSON from its text', 'select $1::jsonb', ['{"a":[1,null]}'], [{ a: [1, null] }]],
    [
      'arrays',
      'select $1::text[], cardinality($2::int[])',
      [
        ['a', 'b,c'],
        [1, 2, 3],
      ],
      [['a', 'b,c'], 3],
    ],
    ['moments', 'select $1::timestamptz', [new Date(5)], [new Date(5)]],
    ['nothing', 'select $1::text, $2::int', [null, undefined], [null, null]],
    ['booleans', 'select $1::bool, not $1::bool', [true], [true, false]],
    ['two columns of one name', 'select 1 as a, 2 as a', [], [1, 2]],
  ])('gives rows as arrays: %s', async (_, text, params, row) => {
    expect(await database.query({ text }, params)).toEqual([row])
    const named = { name: `values ${text}`.slice(0, 60), text }
    expect(await database.query(named, params)).toEqual([row])
    expect(await database.query(named, params)).toEqual([row])
  })

  it('takes a bigint for what it is, whatever type the driver makes of it', async () => {
    const [row] = await database.query({ text: 'select 9007199254740991::int8' })
    expect(Number(row![0])).toBe(Number.MAX_SAFE_INTEGER)
  })

  it(`rejects with the driver's own error for bad SQL, and goes on`, async () => {
    await expect(database.query({ text: 'select nonsense' })).rejects.toMatchObject({ code: '42703' })
    await expect(database.query({ text: 'select 1' })).resolves.toEqual([[1]])
  })

  it('commits what a transaction did, and gives its value', async () => {
    const value = await database.transaction(async (tx) => {
      await tx.query('insert into notes values ($1)', ['committed'])
      const { rows } = await tx.query('select text from notes where text = $1', ['committed'])
      return rows
    })
    expect(value).toEqual([{ text: 'committed' }])
    expect(await notes('committed')).toEqual(['committed'])
  })

  it('stores nothing of a transaction whose body rejects, and rejects with the same error', async () => {
    const reason = new Error('changed my mind')
    const transaction = database.transaction(async (tx) => {
      await tx.query('insert into notes values ($1)', ['rolled back'])
      throw reason
    })
    await expect(transaction).rejects.toBe(reason)
    expect(await notes('rolled')).toEqual([])
  })

  it('rejects when a body swallows the error of a statement, since nothing was stored', async () => {
    const transaction = database.transaction(async (tx) => {
      await tx.query('insert into notes values ($1)', ['swallowed'])
      await tx.query('select nonsense').catch(() => {})
    })
    await expect(transaction).rejects.toThrow(TransactionRolledBackError)
    expect(await notes('swallowed')).toEqual([])
  })

  it('rejects when what is only checked at the end forbids it', async () => {
    const twice = database.transaction(async (tx) => {
      await tx.script('set constraints all deferred')
      await tx.query('insert into notes values ($1), ($1)', ['twice'])
    })
    await expect(twice).rejects.toMatchObject({ code: '23505' })
    expect(await notes('twice')).toEqual([])
  })

  it('runs scripts of several statements with bodies, within the transaction', async () => {
    const script = `create function one() returns int language plpgsql as $$ begin return 1; end $$;
      insert into notes values ('scripted'); select one();`
    await expect(
      database.transaction(async (tx) => {
        await tx.script(script)
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    await database.transaction((tx) => tx.script(script))
    expect(await notes('scripted')).toEqual(['scripted'])
  })

  it('refuses a statement of a transaction that has ended', async () => {
    const left = await database.transaction(async (tx) => tx)
    await expect(left.query('select 1')).rejects.toThrow(/transaction/i)
    await expect(left.script('select 1')).rejects.toThrow(/transaction/i)
  })

  it('keeps many transactions and statements at once apart', async () => {
    const texts = Array.from({ length: 30 }, (_, n) => `many ${n}`)
    await Promise.all(
      texts.map((text) =>
        database.transaction(async (tx) => {
          await tx.query('insert into notes values ($1)', [text])
          await tx.query('insert into notes values ($1)', [`${text} again`])
        }),
      ),
    )
    expect(await notes('many')).toHaveLength(60)
  })

  const notify = (channel: string, payload: string): Promise<unknown> =>
    database.query({ text: 'select pg_notify($1, $2)' }, [channel, payload])

  it.each(['jobs', 'Mixed Case', 'a"b', `'; drop table notes; --`, 'ü'.repeat(31)])(
    'hears notifications on channel %s, whatever letters it has',
    async (channel) => {
      const heard = new Probe<string>('heard')
      const off = await database.listen(channel, (payload) => heard.hit(payload))
      await notify(channel, 'first')
      await notify(channel.toUpperCase().replaceAll('Ü', 'x'), 'other channel')
      await notify(channel, '')
      await heard.times(2)
      expect(heard.values).toEqual(['first', ''])
      await off()
    },
  )

  it.each([[''], ['a'.repeat(64)], ['ü'.repeat(32)], ['a\0b'], [undefined as never]])(
    'refuses %j as a channel',
    async (channel) => {
      await expect(database.listen(channel, () => {})).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    },
  )

  it('never calls one that was taken off, and goes on calling the others', async () => {
    const gone = new Probe<string>('gone')
    const stays = new Probe<string>('stays')
    const callback = (payload: string): void => stays.hit(payload)
    const offs = [
      await database.listen('shared', (payload) => {
        gone.hit(payload)
        // What is taken off by an earlier callback isn't called for the same notification.
        void offs[1]!()
      }),
      await database.listen('shared', (payload) => gone.hit(`second ${payload}`)),
      await database.listen('shared', callback),
      await database.listen('shared', callback),
    ]
    await notify('shared', '1')
    await stays.times(2)
    await offs[0]!()
    await offs[2]!()
    await notify('shared', '2')
    await stays.times(3)
    expect([gone.values, stays.values]).toEqual([['1'], ['1', '1', '2']])
    await offs[3]!()
    await offs[3]!()
  })

  it('listens again after everybody was gone, and while others come and go', async () => {
    const heard = new Probe<string>('heard')
    for (const round of ['1', '2']) {
      const offs = await Promise.all(
        ['here', 'there', 'here'].map((channel) => database.listen(channel, (payload) => heard.hit(payload))),
      )
      await Promise.all([offs[1]!(), database.listen('there', () => {}).then((off) => off())])
      await notify('here', round)
      await heard.times(Number(round) * 2)
      await Promise.all(offs.map((off) => off()))
    }
    expect(heard.values).toEqual(['1', '1', '2', '2'])
  })

  it('notifies of what a transaction says only once it has committed', async () => {
    const heard = new Probe<string>('heard')
    const off = await database.listen('commits', (payload) => heard.hit(payload))
    const rolledBack = database.transaction(async (tx) => {
      await tx.query(`select pg_notify('commits', 'never')`)
      throw new Error('no')
    })
    await expect(rolledBack).rejects.toThrow('no')
    await database.transaction((tx) => tx.query(`select pg_notify('commits', 'committed')`))
    await heard.times(1)
    expect(heard.values).toEqual(['committed'])
    await off()
  })

  it('rejects everything after close, which may be called again', async () => {
    // PGlite takes seconds to open: this test is the last, and closes the one they share.
    const off = await database.listen('closing', () => {})
    await Promise.all([database.close(), database.close()])
    await database.close()
    await off()
    for (const use of [
      () => database.query({ text: 'select 1' }),
      () => database.transaction(async () => 'value'),
      () => database.listen('closed', () => {}),
    ]) {
      await expect(use()).rejects.toThrow(DatabaseClosedError)
    }
  })
})

it(`never closes the caller's PGlite`, async () => {
  expect((await theirs.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  await theirs.close()
})
