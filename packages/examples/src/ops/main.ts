// A service to look at and to steer from its page: `pnpm run ops [--for 10s] [--token TOKEN]`. It has a queue with kinds that are slow,
// fail or are paused, a pool of processes, schedules, leased work units, devices, a lease, and workers that crash. All of it is
// in this process, in the embedded database, and gone when it ends.
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { Runtime, backoff, runAllWorkers, shutdownSignal } from 'runutil'
import { cron } from 'runutil/cron'
import { distributedRepeat, singleton } from 'runutil/leases'
import { OpsServer } from 'runutil/ops'
import { PostgresLeaseStore, migrate, openDatabase } from 'runutil/postgres'
import { readableLogger } from '../readable-logger.ts'
import { stopLater } from '../stop-later.ts'
import { Crawl } from './crawl.ts'
import { Devices } from './devices.ts'
import { connectionToRates, settlement, storefront } from './failing.ts'
import { Orders } from './orders.ts'

// pnpm passes on the dashes of `pnpm run ops -- --for 10s`.
const args = process.argv.slice(2).filter((argument) => argument !== '--')
const { values } = parseArgs({ args, options: { for: { type: 'string' }, token: { type: 'string' } } })
const token =
  values.token ?? (process.env['RUNUTIL_OPS_TOKEN'] || `example-${randomBytes(6).toString('hex')}`)

const stop = shutdownSignal()
if (values.for !== undefined) void stopLater(values.for, stop)
const database = await openDatabase('memory:')
await migrate(database)
const leases = new PostgresLeaseStore(database)
const orders = new Orders(database)
const crawl = await Crawl.create(database)
const devices = new Devices(database)

const ops = new OpsServer({
  queue: orders.queue,
  coordinate: crawl.coordinate,
  dispatch: devices.manager,
  leases,
  port: 0,
  token,
})
const logger = readableLogger({ time: true })
// Without the starts and stops of workers.
logger.level = 'warn'
const runtime = new Runtime()
const run = runAllWorkers(
  [
    { name: 'Ops', worker: ops },
    { name: 'Orders', worker: orders.workers() },
    { name: 'Crawl', worker: crawl.worker() },
    { name: 'Devices', worker: devices.workers() },
    { name: 'Storefront', worker: storefront() },
    { name: 'Rates', worker: singleton(leases, 'rates', connectionToRates), retry: backoff('5s') },
    { name: 'Cleanup', worker: distributedRepeat(leases, 'cleanup', '20s', () => {}), retry: backoff('5s') },
    { name: 'Settlement', worker: cron('* * * * *', settlement), retry: backoff('10s') },
    { name: 'Report', worker: cron('0 6 * * MON-FRI', () => {}, { timezone: 'Europe/Berlin' }) },
  ],
  stop,
  { runtime, logger },
)
await runtime.ready('/Ops')
console.log(ops.url)
console.log(`anyone on this machine may look; to change things, sign in with the token ${token}`)
await run
await database.close()
console.log('stopped')
