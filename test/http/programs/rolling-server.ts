// A server that delays each response and sends it in two parts. Prints its port when it listens.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { runAllWorkers, shutdownSignal, wait } from 'runutil'
import { httpServer } from 'runutil/http'

const server = createServer((request, response) => {
  void (async () => {
    await wait(Number(request.headers['x-takes']))
    response.write('first, ')
    await wait(Number(request.headers['x-takes']))
    response.end(`last of ${request.url}`)
  })()
})
void once(server, 'listening').then(() =>
  process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`),
)
// Long enough for the balancer to redirect new connections first.
const signal = shutdownSignal({ delay: '300ms' })
await runAllWorkers([{ name: 'Http', worker: httpServer(server, { port: 0, host: '127.0.0.1' }) }], signal)
process.stdout.write('stopped\n')
