// Gradual adoption: an Express app stays as it is, and workers run beside its server. Two new routes tell of them. A next step would
// be to hand the server over too, as a worker: httpServer(app, { port }) of runutil/http.
//
// prints:
//   GET / 200 welcome
//   GET /health 503 firing
//   GET /workers 200 /Rates ready ok, /Mail restarting firing
//   the mail server is back
//   GET /health 200 ok
//   the workers have stopped
//   the server has closed
import express from 'express'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { Runtime, type RuntimeEvent, type WorkerNode } from 'runutil'
import { backoff, repeat, runAllWorkers, shutdownSignal } from 'runutil'

// The service as it was.
const app = express()
app.get('/', (_, response) => void response.send('welcome'))
const server = app.listen(0, '127.0.0.1')

// What is new: routes for a probe and for people, and the workers. Routes run outside of these, so they ask the runtime.
const runtime = new Runtime()
app.get('/health', (_, response) => {
  const { health } = runtime.tree()
  response.status(health === 'firing' ? 503 : 200).send(health)
})
app.get('/workers', (_, response) => void response.json(runtime.tree()))

let isMailServerUp = false
const failed = happens('/Mail', 'restarting')
const workers = [
  { name: 'Rates', worker: repeat('1h', refreshRates, { startImmediately: true }), retry: backoff('1m') },
  { name: 'Mail', worker: repeat('1h', sendMails, { startImmediately: true }), retry: backoff('1m') },
]
const run = runAllWorkers(workers, shutdownSignal(), { runtime, logger: pino({ level: 'silent' }) })

await visit()
// As Kubernetes does it; Ctrl-C sends SIGINT.
process.kill(process.pid, 'SIGTERM')
await run
console.log('the workers have stopped')
// As before, the server is the app's own.
server.close()
server.closeIdleConnections()
await once(server, 'close')
console.log('the server has closed')

function refreshRates(): void {
  // Here a real program would ask for exchange rates.
}

function sendMails(): void {
  if (!isMailServerUp) throw new Error('connection refused')
}

/** The client of this example. */
async function visit(): Promise<void> {
  if (!server.listening) await once(server, 'listening')
  console.log(`GET / ${await get('/')}`)
  await failed
  console.log(`GET /health ${await get('/health')}`)
  console.log(`GET /workers ${await get('/workers', summary)}`)
  isMailServerUp = true
  const sent = happens('/Mail', 'ran')
  await runtime.restart('/Mail')
  await sent
  console.log('the mail server is back')
  console.log(`GET /health ${await get('/health')}`)
}

async function get(path: string, read = (text: string): string => text): Promise<string> {
  const { port } = server.address() as AddressInfo
  const response = await fetch(`http://127.0.0.1:${port}${path}`)
  return `${response.status} ${read(await response.text())}`
}

function summary(json: string): string {
  const { children } = JSON.parse(json) as WorkerNode
  return children.map(({ path, state, health }) => `${path} ${state} ${health}`).join(', ')
}

function happens(path: string, type: RuntimeEvent['type']): Promise<void> {
  return new Promise((resolve) => {
    const off = runtime.on((event) => {
      if (event.path !== path || event.type !== type) return
      off()
      resolve()
    })
  })
}
