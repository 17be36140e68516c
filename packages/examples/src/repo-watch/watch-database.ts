import { type Database, DatabaseInUseError, migrate, openDatabase } from 'runutil/postgres'
import { StartError } from './start-error.ts'

const SHARE = 'store the jobs on a server: set DATABASE_URL=postgres://user:password@host/database'

/** The database of DATABASE_URL, or one in the folder `.runutil` where the program was started. */
export class WatchDatabase {
  readonly database: Database

  /** @throws StartError */
  static async open(): Promise<WatchDatabase> {
    const isGiven = process.env['DATABASE_URL'] !== undefined
    const database = await openDatabase(isGiven ? undefined : 'file:.runutil').catch(failed)
    await migrate(database).catch(async (error: unknown) => {
      await database.close()
      failed(error)
    })
    return new WatchDatabase(database)
  }

  constructor(database: Database) {
    this.database = database
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.close()
  }
}

function failed(error: unknown): never {
  const { message } = error as Error
  const hint = error instanceof DatabaseInUseError ? `\nto watch with several copies, ${SHARE}` : ''
  throw new StartError(`${message}${hint}`, { cause: error })
}
