import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { JsonLinesActionLedger, MemoryActionLedger } from 'runutil/dispatch'
import { PostgresActionLedger, migrate } from 'runutil/postgres'
import type { ActionLedgerContext } from 'runutil/testing'
import { kindsOfDatabase } from '../postgres/databases.ts'
import { emptying } from '../postgres/emptying.ts'

export interface LedgerMaker {
  readonly fresh: () => Promise<ActionLedgerContext>
  readonly close: () => Promise<void>
}

/** Each kind of ActionLedger, for `describe.each`. */
export const kindsOfLedger: readonly { name: string; open: () => Promise<LedgerMaker> }[] = [
  {
    name: 'memory',
    open: async () => ({
      fresh: async () => {
        const ledger = new MemoryActionLedger()
        return { ledger, again: async () => ledger }
      },
      close: async () => {},
    }),
  },
  {
    name: 'JSON lines',
    open: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'runutil-ledger-'))
      const opened: JsonLinesActionLedger[] = []
      let count = 0
      const open = (file: string): JsonLinesActionLedger => {
        opened.push(new JsonLinesActionLedger(file))
        return opened.at(-1)!
      }
      return {
        fresh: async () => {
          const file = join(folder, `${++count}.jsonl`)
          const again = async (): Promise<JsonLinesActionLedger> => {
            // The file itself is still open.
            const copy = join(folder, `${++count}.jsonl`)
            await copyFile(file, copy)
            return open(copy)
          }
          return { ledger: open(file), again }
        },
        close: async () => {
          await Promise.all(opened.map((ledger) => ledger.close()))
          await rm(folder, { recursive: true })
        },
      }
    },
  },
  ...kindsOfDatabase.map(({ name, open }) => ({
    name,
    open: async () => {
      const database = await open()
      const schema = 'ledger test'
      await migrate(database, { schema })
      return {
        fresh: async () => {
          await database.query({ text: emptying(schema) })
          const ledger = (): PostgresActionLedger => new PostgresActionLedger(database, { schema })
          return { ledger: ledger(), again: async () => ledger() }
        },
        close: () => database.close(),
      }
    },
  })),
]
