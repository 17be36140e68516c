// Opens the database in a folder, uses it, and neither closes it nor does anything else.
import { migrate, openDatabase } from 'runutil/postgres'

const database = await openDatabase(process.argv[2])
await migrate(database)
process.stdout.write(`open in ${process.pid}\n`)
if (process.argv[3] === 'die') process.kill(process.pid, 'SIGKILL')
