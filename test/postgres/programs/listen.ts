// Listens, loses its connection, closes: nothing may keep the process alive then.
import { openDatabase } from 'runutil/postgres'

const database = await openDatabase(process.argv[2]!)
let heard = () => {}
const lost = new Promise<void>((resolve) => (heard = resolve))
await database.listen('channel', () => heard())
await database.query({
  text: `select pg_terminate_backend(pid) from pg_stat_activity
         where query like 'listen%' and datname = current_database()`,
})
await lost
await database.close()
process.stdout.write('closed\n')
