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

const changed: number[] = []
for (let at = 0; at < times; at++) {
  await handleOneOfEach()
  changed.push(await cpuMs())
}
const same: number[] = []
for (let at = 0; at < times; at++) same.push(await cpuMs())
const text = await scrape()
client.stdin.end()
stop.abort()
await run
console.log(
  JSON.stringify({
    sameMs: median(same),
    changedMs: median(changed),
    bytes: Buffer.byteLength(text),
    lines: text.split('\n').length - 1,
  }),
)

/** Each kind has a job that is done and one that fails, so that three histograms of each change. */
async function handleOneOfEach(): Promise<void> {
  const jobs = KINDS.flatMap((kind) => [
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
