// What a scrape over HTTP costs a process with 200 kinds of jobs: scrape.ts <how often>. Prints the medians as JSON.
import 'reflect-metadata'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { Runtime, runAllWorkers, wait } from 'runutil'
import { OpsServer } from 'runutil/ops'
import { exposition } from 'runutil/prometheus'
import { JobQueue, MemoryJobStore, QueueWorker } from 'runutil/queue'
import { median } from '../measure.ts'

const KINDS = Array.from({ length: 200 }, (_, at) => `kind-${at}`)
const REST_MS = 100
const times = Number(process.argv[2])

const queue = new JobQueue(new MemoryJobStore())
const worker = new QueueWorker(queue, { concurrency: 50, attempts: 1 })
for (const kind of KINDS) {
  worker.register(kind, (job) => {
    if (job.payload === 'fails') throw new Error('no')
  })
}
const runtime = new Runtime()
const stop = new AbortController()
const scrape = exposition({ runtime, queue })
const ops = new OpsServer({ port: 0, api: false, metrics: scrape })
const workers = [
  { name: 'Jobs', worker },
  { name: 'Ops', worker: ops, startTimeout: '1m' },
]
const run = runAllWorkers(workers, stop.signal, { runtime, logger: pino({ level: 'silent' }) })
await runtime.ready()
const client = spawn(
  process.execPath,
  [...process.execArgv, fileURLToPath(new URL('scraper.ts', import.meta.url)), `${ops.url}metrics`],
  { stdio: ['pipe', 'pipe', 'inherit'] },
)

const all = await afterJobsOf(KINDS)
const some = await afterJobsOf(KINDS.slice(0, KINDS.length / 10))
const none = await afterJobsOf([])
const text = await scrape()
client.stdin.end()
stop.abort()
await run
console.log(
  JSON.stringify({
    sameMs: median(none),
    someMs: median(some),
    changedMs: median(all),
    bytes: Buffer.byteLength(text),
    lines: text.split('\n').length - 1,
  }),
)

/** What scrapes cost, where each of these kinds has had a job done and one failed since the one before: three changed histograms. */
async function afterJobsOf(kinds: readonly string[]): Promise<number[]> {
  const costs: number[] = []
  while (costs.length < times) {
    await handleOneOfEach(kinds)
    costs.push(await cpuMs())
  }
  return costs
}

async function handleOneOfEach(kinds: readonly string[]): Promise<void> {
  const jobs = kinds.flatMap((kind) => [
    { kind, payload: 'works' },
    { kind, payload: 'fails' },
  ])
  const enqueued = await queue.enqueue(jobs)
  await Promise.allSettled(enqueued.map(({ id }) => queue.result(id)))
}

/** Of this process, from the request until another process has the whole answer. */
async function cpuMs(): Promise<number> {
  // What the jobs before have left to do isn't the scrape's.
  await wait(REST_MS)
  const before = process.cpuUsage()
  client.stdin.write('once\n')
  await once(client.stdout, 'data')
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}
