// A Fastify app as a worker, beside the workers of a queue. On a stop the server ends first: a request that waits for a job is answered,
// since the queue goes on until then.
//
// prints:
//   POST /reports 202 {"id":"report-7"}
//   GET /health 200 ok
//   GET /reports/report-7 waits, and the program is told to stop
//   GET /reports/report-7 200 {"pages":3}
//   stopped
import fastify from 'fastify'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { Runtime, runAllWorkers, shutdownSignal, wait } from 'runutil'
import { httpServer } from 'runutil/http'
import { JobQueue, MemoryJobStore, QueueWorker } from 'runutil/queue'

// A real program has a PostgresJobStore, and other replicas run the jobs too.
const queue = new JobQueue(new MemoryJobStore())
const reports = new QueueWorker(queue, { concurrency: 4 }).register('report', async (_, signal) => {
  await wait('100ms', signal)
  return { pages: 3 }
})

const runtime = new Runtime()
const app = fastify()
app.post<{ Body: { id: string } }>('/reports', async ({ body }, reply) => {
  const { id } = await queue.enqueue({ id: body.id, kind: 'report' }, { onExists: 'skip' })
  return reply.code(202).send({ id })
})
app.get<{ Params: { id: string } }>('/reports/:id', ({ params }) => {
  return queue.result(params.id, { timeout: '30s' })
})
app.get('/health', (_, reply) => {
  const { health } = runtime.tree()
  return reply.code(health === 'firing' ? 503 : 200).send(health)
})

const workers = [
  { name: 'Reports', worker: reports },
  {
    name: 'Http',
    worker: httpServer(app, { port: 0, host: '127.0.0.1', keepAliveGrace: '10ms' }),
    // It starts when the queue is ready, and is stopped before it.
    after: 'Reports',
    // Ready is when it listens, not when it runs.
    startTimeout: '10s',
  },
]
const run = runAllWorkers(workers, shutdownSignal(), { runtime, logger: pino({ level: 'silent' }) })

await runtime.ready()
await visit()
await run
// Plugins of the app may have to close what they opened.
await app.close()
console.log('stopped')

/** The client of this example. */
async function visit(): Promise<void> {
  const body = JSON.stringify({ id: 'report-7' })
  const headers = { 'content-type': 'application/json' }
  console.log(`POST /reports ${await ask('/reports', { method: 'POST', body, headers })}`)
  console.log(`GET /health ${await ask('/health')}`)
  const report = ask('/reports/report-7')
  await once(app.server, 'request')
  console.log('GET /reports/report-7 waits, and the program is told to stop')
  // As Kubernetes does it; Ctrl-C sends SIGINT.
  process.kill(process.pid, 'SIGTERM')
  console.log(`GET /reports/report-7 ${await report}`)
}

async function ask(path: string, init: RequestInit = {}): Promise<string> {
  const { port } = app.server.address() as AddressInfo
  const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
  return `${response.status} ${await response.text()}`
}
