import { migrate } from 'runutil/postgres'
import type { CoordinateStore } from '../../../packages/runutil/src/coordinate/coordinate-store.ts'
import { MemoryCoordinateStore } from '../../../packages/runutil/src/coordinate/memory-coordinate-store.ts'
import { PostgresCoordinateStore } from '../../../packages/runutil/src/postgres/coordinate/postgres-coordinate-store.ts'
import { kindsOfDatabase } from '../postgres/databases.ts'
import { emptying } from '../postgres/emptying.ts'

/** Makes empty stores. */
export interface CoordinateStoreMaker {
  readonly fresh: () => Promise<CoordinateStore>
  readonly close: () => Promise<void>
}

/** Each kind of CoordinateStore, for `describe.each`. Opened once a file. */
export const kindsOfCoordinateStore: readonly {
  name: string
  readonly open: () => Promise<CoordinateStoreMaker>
}[] = [
  {
    name: 'memory',
    open: async () => ({ fresh: async () => new MemoryCoordinateStore(), close: async () => {} }),
  },
  ...kindsOfDatabase.map(({ name, open }) => ({ name, open: () => openMaker(open) })),
]

async function openMaker(open: (typeof kindsOfDatabase)[number]['open']): Promise<CoordinateStoreMaker> {
  const database = await open()
  const schema = 'coordinate test'
  await migrate(database, { schema })
  return {
    fresh: async () => {
      await database.query({ text: emptying(schema) })
      return new PostgresCoordinateStore(database, { schema })
    },
    close: () => database.close(),
  }
}
