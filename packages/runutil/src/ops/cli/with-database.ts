import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseTarget } from '../../postgres/database/database-target.ts'
import type { Database } from '../../postgres/database/database.ts'
import { openDatabase } from '../../postgres/database/open-database.ts'
import { wrongUsage } from './command-errors.ts'
import type { Call, OptionLine } from './command.ts'

/** The options of commands that need no process. */
export const DATABASE_OPTIONS: readonly OptionLine[] = [
  ['--database <url>', "'postgres://…', or 'file:DIR' of an embedded database that no process has open"],
  ['--schema <name>', 'the schema of its tables; default: runutil'],
]

/** Calls with the database of the options, which `openDatabase` opens. @throws CommandError without one */
export async function withDatabase<T>(
  { options, terminal }: Call,
  use: (database: Database, schema: { schema?: string }) => Promise<T>,
  { isNew = false } = {},
): Promise<T> {
  const target = options.text('database') ?? terminal.env['DATABASE_URL']
  if (target === undefined || target === '') {
    throw wrongUsage(
      "expected --database, or DATABASE_URL, with a database such as 'postgres://…'; got neither",
    )
  }
  checkTarget(target, isNew)
  const schema = options.text('schema')
  const database = await openDatabase(target, { max: 2 })
  try {
    return await use(database, schema === undefined ? {} : { schema })
  } finally {
    await database.close()
  }
}

/** Opening a folder that isn't there would make a new database. */
function checkTarget(target: string, isNew: boolean): void {
  const parsed = parsedTarget(target)
  if (parsed.kind === 'memory') throw wrongUsage("--database: 'memory:' is new in each process; name another")
  if (parsed.kind === 'folder' && !isNew && !existsSync(resolve(parsed.folder))) {
    throw wrongUsage(`--database: there is no folder '${resolve(parsed.folder)}'; migrate makes one`)
  }
}

function parsedTarget(target: string): ReturnType<typeof parseTarget> {
  try {
    return parseTarget(target, '--database')
  } catch (error) {
    throw wrongUsage((error as Error).message)
  }
}
