import { migrate } from '../../../postgres/schema/migrate.ts'
import type { CliCommand } from '../command.ts'
import { DATABASE_OPTIONS, withDatabase } from '../with-database.ts'

export const MIGRATE: CliCommand = {
  usage: 'migrate',
  about: 'brings the tables of a database up to this version of runutil',
  options: [
    ...DATABASE_OPTIONS,
    ['--grant-to <roles>', 'roles that a service uses, with commas between them'],
  ],
  run: async (call) => {
    const grantTo = call.options.text('grantTo')?.split(',')
    await withDatabase(call, (database, schema) => migrate(database, { ...schema, grantTo }), { isNew: true })
    if (call.isJson) call.output.json({ migrated: true })
    else call.output.line('migrated')
    return 0
  },
}
