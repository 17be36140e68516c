// An HTTP server as a worker. /health reports the state of all workers. On a stop, the server accepts no new connections,
// closes idle ones and lets running requests finish.
//
// prints:
//   GET /health 200 {"/Stock":"ok","/Server":"ok"}
//   GET /slow is running, and the program is told to stop
//   GET /slow 200 done all the same
//   GET /health refused
//   stopped
import { once } from 'node:events'
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { healthSnapshot, repeat, runAllWorkers, wait } from 'runutil'
import { httpServer } from 'runutil/http'

const stop = new AbortController()
const server = createServer((request, response) => void answer(request, response))

await runAllWorkers(
  [
    { name: 'Stock', worker: repeat('1s', refreshStock, { startImmediately: true }) },
    { name: 'Server', worker: httpServer(server, { port: 0, host: '127.0.0.1', keepAliveGrace: '10ms' }) },
    visit,
  ],
  stop.signal,
  // Without the starts and stops of workers.
  { logger: pino({ level: 'warn' }) },
)
console.log('stopped')

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === '/slow') await wait('50ms')
  response.end(request.url === '/health' ? JSON.stringify(healthSnapshot()) : 'done all the same')
}

function refreshStock(): void {
  // Here a real program would query the warehouse.
}

/** The client of this example. It has no name, and so no health state. */
async function visit(): Promise<void> {
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  console.log(`GET /health ${await get(port, '/health')}`)
  const slow = get(port, '/slow')
  await once(server, 'request')
  console.log('GET /slow is running, and the program is told to stop')
  stop.abort()
  console.log(`GET /slow ${await slow}`)
  console.log(`GET /health ${await get(port, '/health')}`)
}

function get(port: number, path: string): Promise<string> {
  return fetch(`http://127.0.0.1:${port}${path}`).then(
    async (response) => `${response.status} ${await response.text()}`,
    () => 'refused',
  )
}
