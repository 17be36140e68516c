import { type JobStore, MemoryJobStore } from 'runutil/queue'
import { PostgresJobStore, migrate } from 'runutil/postgres'
import type { VirtualClock } from 'runutil/testing'
import { kindsOfDatabase } from '../postgres/databases.ts'
import { emptying } from '../postgres/emptying.ts'

/** Makes empty stores, each of which takes its time from the clock that it is given. */
export interface JobStoreMaker {
  readonly fresh: (clock: VirtualClock) => Promise<JobStore>
  readonly close: () => Promise<void>
}

/** Each kind of JobStore, for `describe.each`. Opened once a file. */
export const kindsOfJobStore: readonly { name: string; readonly open: () => Promise<JobStoreMaker> }[] = [
  {
    name: 'memory',
    open: async () => ({ fresh: async (clock) => new MemoryJobStore({ clock }), close: async () => {} }),
  },
  ...kindsOfDatabase.map(({ name, open }) => ({ name, open: () => openMaker(open) })),
]

/** One schema for all: making another for each takes far longer than emptying it. */
async function openMaker(open: (typeof kindsOfDatabase)[number]['open']): Promise<JobStoreMaker> {
  const database = await open()
  const schema = 'queue test'
  await migrate(database, { schema })
  return {
    fresh: async (clock) => {
      await database.query({ text: emptying(schema) })
      return new PostgresJobStore(database, { schema, clock })
    },
    close: () => database.close(),
  }
}
