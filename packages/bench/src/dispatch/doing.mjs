// `do` over PostgreSQL to idle workers of this process: doing.mjs URL TARGETS COUNT. The url's database is empty.
import pg from 'pg'
import { Manager } from 'runutil/dispatch'
import { PostgresActionLedger, migrate, openDatabase } from 'runutil/postgres'

const [url, targets, count] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])]
const names = Array.from({ length: targets }, (_, at) => `target ${at}`)

// So that tables and files are there.
await withWorkers((manager) => inSequence(manager, Math.ceil(count / 4)))
const start = await counted()
await withWorkers(() => {})
const before = await counted()
const latency = await withWorkers((manager) => inSequence(manager, count))
const after = await counted()
const perSecond = await withWorkers((manager) => atOnce(manager, count))
// Without what it takes to register the workers and to withdraw them.
const perDo = (what) => (after[what] - before[what] - (before[what] - start[what])) / count
const work = { commits: perDo('commits'), fsyncs: perDo('fsyncs') }
console.log(JSON.stringify({ ...latency, ...work, perSecond }))

async function withWorkers(body) {
  const database = await openDatabase(url)
  await migrate(database)
  const manager = new Manager({ operation: 'bench', ledger: new PostgresActionLedger(database) })
  const stop = new AbortController()
  const run = manager.run(stop.signal)
  await Promise.all(names.map((target) => manager.workers.register('host', target, () => {}).ready))
  const result = await body(manager)
  stop.abort()
  await run
  await database.close()
  return result
}

/** One target's actions, each completed before the next. */
async function inSequence(manager, times) {
  const taken = []
  const completed = []
  for (let at = 0; at < times; at++) {
    const begin = performance.now()
    const done = manager.do(names[0], { at })
    await done
    taken.push(performance.now() - begin)
    await done.completed
    completed.push(performance.now() - begin)
  }
  return { taken: median(taken), completed: median(completed) }
}

/** All targets at once, each with one action after another. */
async function atOnce(manager, times) {
  const each = Math.ceil(times / targets)
  const begin = performance.now()
  await Promise.all(
    names.map(async (target) => {
      for (let at = 0; at < each; at++) await manager.do(target, { at }).completed
    }),
  )
  return (each * targets * 1_000) / (performance.now() - begin)
}

/** A server process adds what it has done when it ends. */
async function counted() {
  const client = new pg.Client(url)
  await client.connect()
  const ask = async (text) => (await client.query(text)).rows[0]
  const others = `select count(*)::int as count from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`
  while ((await ask(others)).count > 0) await new Promise((resolve) => setTimeout(resolve, 10))
  const { commits } = await ask(
    `select xact_commit::float8 as commits from pg_stat_database where datname = current_database()`,
  )
  const { fsyncs } = await ask(`select sum(fsyncs)::float8 as fsyncs from pg_stat_io where object = 'wal'`)
  await client.end()
  return { commits, fsyncs }
}

function median(values) {
  return values.sort((a, b) => a - b)[values.length >> 1]
}
