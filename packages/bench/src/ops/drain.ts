// The CPU time of a job that does nothing, from its enqueueing on, in memory: with nothing that looks, with a read model that nobody asks, or with a reader of
// the events in another process. Its arguments: which, and how many jobs.
import 'reflect-metadata'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { Runtime, runAllWorkers } from '../../../runutil/src/index.ts'
import { systemClock } from '../../../runutil/src/core/clock-system.ts'
import { createReadModel } from '../../../runutil/src/ops/views/create-read-model.ts'
import { EventStreams } from '../../../runutil/src/ops/events/event-streams.ts'
import { JobQueue, MemoryJobStore, QueueWorker } from '../../../runutil/src/queue/index.ts'

const [contender = 'none', count = '1000'] = process.argv.slice(2)
const jobs = Number(count)
const queue = new JobQueue(new MemoryJobStore())
const runtime = new Runtime()
const stop = new AbortController()
const streams = contender === 'none' ? undefined : new EventStreams(readModel(), systemClock)
const reader = contender === 'stream' ? await readStream() : undefined

// Few wait at any time, since the store in memory takes longer to remove one of many.
const BATCH = 1_000
let left = 0
let batches = Math.ceil(jobs / BATCH)

async function fill(): Promise<void> {
  if (batches-- === 0) return stop.abort()
  left = BATCH
  await queue.enqueue(Array.from({ length: BATCH }, () => ({ kind: 'nothing' })))
}

const worker = new QueueWorker(queue, { concurrency: 100 }).register('nothing', () => {
  return --left === 0 ? fill() : Promise.resolve()
})
await fill()
const before = process.cpuUsage()
await runAllWorkers([{ name: 'Queue', worker }], stop.signal, { runtime, logger: pino({ level: 'silent' }) })
const { user, system } = process.cpuUsage(before)
reader?.kill()
console.log(JSON.stringify({ nsEach: ((user + system) * 1_000) / jobs }))
process.exit(0)

function readModel() {
  const self = { id: 'here', name: 'bench', host: 'bench', pid: 1, version: '0', startedAt: new Date() }
  return createReadModel({ runtime, queue, self, clock: systemClock })
}

async function readStream(): Promise<ChildProcess> {
  const server = createServer((_, response) => void streams!.open(response, { watch: 'kinds' }))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const file = fileURLToPath(new URL('reader.mjs', import.meta.url))
  const child = spawn(process.execPath, [file, `http://127.0.0.1:${port}/`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return child
}
