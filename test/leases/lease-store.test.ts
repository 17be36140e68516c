import { MemoryLeaseStore } from 'runutil/leases'
import { PostgresLeaseStore, migrate } from 'runutil/postgres'
import { type LeaseContext, VirtualClock, leaseConformance } from 'runutil/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { kindsOfDatabase } from '../support/postgres/databases.ts'

interface Maker {
  readonly fresh: () => Promise<LeaseContext>
  readonly close: () => Promise<void>
}

const kinds: { name: string; open: () => Promise<Maker> }[] = [
  {
    name: 'memory',
    open: async () => ({
      fresh: async () => {
        const clock = new VirtualClock()
        return { leases: new MemoryLeaseStore({ clock }), pass: (ms) => clock.advance(ms) }
      },
      close: async () => {},
    }),
  },
  ...kindsOfDatabase.map(({ name, open }) => ({
    name,
    open: async () => {
      const database = await open()
      await migrate(database, { schema: 'leases test' })
      const table = '"leases test".leases'
      return {
        fresh: async () => {
          await database.query({ text: `truncate ${table}` })
          return {
            leases: new PostgresLeaseStore(database, { schema: 'leases test' }),
            // Passing time in a database means making all its rows that much older.
            pass: async (ms: number) => {
              const older = `$1::float8 * interval '1 ms'`
              const text = `update ${table} set expires = expires - ${older}, started = started - ${older},
                failed = failed - ${older}`
              await database.query({ text }, [ms])
            },
          }
        },
        close: () => database.close(),
      }
    },
  })),
]

describe.each(kinds)('leases in $name:', ({ open }) => {
  let maker: Maker
  beforeAll(async () => void (maker = await open()))
  afterAll(() => maker?.close())

  it.each(Object.entries(leaseConformance))('%s', async (_, check) => {
    await check(await maker.fresh())
  })
})
