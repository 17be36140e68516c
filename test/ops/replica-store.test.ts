import { MemoryReplicaStore } from 'runutil/ops'
import { PostgresReplicaStore, migrate, openDatabase } from 'runutil/postgres'
import { type ReplicaStoreContext, VirtualClock, replicaStoreConformance } from 'runutil/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshDatabase, kindsOfDatabase } from '../support/postgres/databases.ts'

interface Maker {
  readonly fresh: () => Promise<ReplicaStoreContext>
  readonly close: () => Promise<void>
}

const kinds: { name: string; open: () => Promise<Maker> }[] = [
  {
    name: 'memory',
    open: async () => ({
      fresh: async () => {
        const clock = new VirtualClock()
        return { replicas: new MemoryReplicaStore({ clock }), pass: (ms) => clock.advance(ms) }
      },
      close: async () => {},
    }),
  },
  ...kindsOfDatabase.map(({ name, open }) => ({
    name,
    open: async () => {
      const database = await open()
      await migrate(database, { schema: 'ops test' })
      return {
        fresh: async () => {
          await database.query({ text: `truncate "ops test".replicas, "ops test".commands` })
          return {
            replicas: new PostgresReplicaStore(database, { schema: 'ops test' }),
            // Passing time in a database means making all its rows that much older.
            pass: async (ms: number) => {
              const older = `$1::float8 * interval '1 ms'`
              await database.query({ text: `update "ops test".replicas set seen = seen - ${older}` }, [ms])
              await database.query({ text: `update "ops test".commands set sent = sent - ${older}` }, [ms])
            },
          }
        },
        close: () => database.close(),
      }
    },
  })),
]

describe('replicas in PostgreSQL:', () => {
  it('what was written before the clock was set back counts from then on', async () => {
    const fresh = await freshDatabase()
    const database = await openDatabase(fresh.url)
    await migrate(database)
    const store = new PostgresReplicaStore(database)
    const facts = { host: 'ada', pid: 1, version: '1.2.3', startedAt: new Date(0), state: {} }
    await store.beat({ ...facts, id: 'dead', name: 'dead' })
    await store.send({ id: '1', replica: 'dead', command: {}, by: 'ada' })
    await database.query({ text: `update runutil.replicas set seen = now() + interval '1 day'` })
    await database.query({ text: `update runutil.commands set sent = now() + interval '1 day'` })
    await store.beat({ ...facts, id: 'live', name: 'live' })
    await database.query({
      text: `update runutil.replicas set seen = seen - interval '16 s' where id = 'dead'`,
    })
    await database.query({ text: `update runutil.commands set sent = sent - interval '30 s'` })
    expect(await store.list()).toMatchObject([
      { id: 'dead', lost: true },
      { id: 'live', lost: false },
    ])
    expect(await store.outcome('1')).toBe('void')
    await database.close()
    await fresh.drop()
  })
})

describe.each(kinds)('replicas in $name:', ({ open }) => {
  let maker: Maker
  beforeAll(async () => void (maker = await open()))
  afterAll(() => maker?.close())

  it.each(Object.entries(replicaStoreConformance))('%s', async (_, check) => {
    await check(await maker.fresh())
  })
})
