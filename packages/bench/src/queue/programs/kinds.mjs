// Claims of very many kinds, none of which has a job. Prints the median in ms.
import { openDatabase, PostgresJobStore } from 'runutil/postgres'
import { finish, options } from './task.mjs'

const database = await openDatabase(options.url)
const store = new PostgresJobStore(database)
const kinds = Array.from({ length: options.kinds }, (_, at) => `kind-${at}`)
const times = []
for (let claims = 0; claims < 21; claims++) {
  const startedAt = performance.now()
  await store.claim(kinds, 10, '1m')
  times.push(performance.now() - startedAt)
}
await database.close()
finish({ ms: times.sort((a, b) => a - b)[10] })
