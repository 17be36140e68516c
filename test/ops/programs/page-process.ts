// A process of a service, with a page: page-process.ts <url of the database>. Prints where it is reached.
import { repeat, runAllWorkers, shutdownSignal } from 'runutil'
import { OpsServer } from 'runutil/ops'
import { PostgresReplicaStore, openDatabase } from 'runutil/postgres'

const database = await openDatabase(process.argv[2]!)
const ops = new OpsServer({ replicas: new PostgresReplicaStore(database), port: 0 })
const workers = [
  { name: 'Ops', worker: ops },
  { name: 'OnlyThere', worker: repeat('1h', () => {}) },
  { name: 'Tell', worker: repeat('1h', () => console.log(`serves ${ops.url}`), { startImmediately: true }) },
]
await runAllWorkers(workers, shutdownSignal())
await database.close()
