import pg from 'pg'
import { openDatabase } from '../../../packages/runutil/src/postgres/database/open-database.ts'
import { applyMigrations } from '../../../packages/runutil/src/postgres/schema/migrate.ts'
import { steps } from './steps.ts'

const url = process.argv.at(-1)!
const database = await openDatabase(url)

// All begin when the test lets go of this lock.
const gate = new pg.Client(url)
await gate.connect()
await gate.query('select pg_advisory_lock_shared(1)')
await gate.end()

await applyMigrations(database, 'ten', steps)
await database.close()
process.stdout.write('migrated\n')
