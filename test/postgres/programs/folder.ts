// Opens the database in a folder, runs a script, and holds it for good.
import { openDatabase } from 'runutil/postgres'

const [target, script] = process.argv.slice(2)
try {
  const database = await openDatabase(target)
  await database.transaction((tx) => tx.script(script!))
  setInterval(() => {}, 1e9)
  process.stdout.write(`open in ${process.pid}\n`)
} catch (error) {
  process.stdout.write(`${(error as { code?: string }).code}: ${(error as Error).message}\n`)
}
