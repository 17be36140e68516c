// Opens a new database with the built package, and prints the most memory that it took, in MiB.
import { readFileSync } from 'node:fs'
import { migrate, openDatabase } from 'runutil/postgres'

const database = await openDatabase(process.argv[2])
await migrate(database)
await database.close()
const [, kib] = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))
process.stdout.write(`${Math.ceil(kib / 1024)}\n`)
