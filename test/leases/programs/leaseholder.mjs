// A process that contends for two leases: leaseholder.mjs <url> <name>. While it holds one, it writes rows with its fence,
// even if a greater fence has already been written. Runs until SIGTERM or a kill.
import { runAllWorkers, shutdownSignal, wait } from 'runutil'
import { currentFence, distributedRepeat, singleton } from 'runutil/leases'
import { PostgresLeaseStore, openDatabase } from 'runutil/postgres'

const [url, process_] = process.argv.slice(2)
const database = await openDatabase(url)
const leases = new PostgresLeaseStore(database)

const text = `with guarded as (
    update fences set fence = $2::bigint where name = $1::text and fence <= $2 returning 1
  ) insert into beats (name, fence, process, accepted) values ($1, $2, $3::text, exists (select from guarded))`

/** Ignores errors, since the database may be restarting. */
const beat = (name) =>
  database.query({ name: 'beat', text }, [name, currentFence(), process_]).catch(() => {})

const one = singleton(
  leases,
  'one',
  async (signal) => {
    while (!signal.aborted) {
      await beat('one')
      await wait('20ms', signal)
    }
  },
  { lease: '2s' },
)
const tick = distributedRepeat(leases, 'tick', '500ms', () => beat('tick'), { lease: '2s' })
process.stdout.write('up\n')
await runAllWorkers([one, tick], shutdownSignal())
await database.close()
