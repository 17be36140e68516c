import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
import { expect, it } from 'vitest'
import { Child } from '../support/child.ts'

/** Forwards each new connection to the current process. */
class Balancer {
  port = 0
  readonly #server = createServer((client) => this.#pass(client))
  readonly #sockets = new Set<Socket>()

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  #pass(client: Socket): void {
    const server = connect(this.port, '127.0.0.1')
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        this.#sockets.delete(one)
        other.end()
      })
      one.pipe(other)
    }
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}

async function start(): Promise<{ child: Child; port: number }> {
  const child = new Child('http/programs/rolling-server')
  await child.printed('port ')
  return { child, port: Number(child.printedLines.find((line) => line.startsWith('port '))!.slice(5)) }
}

/** Sends one request after another over kept-alive connections, until `isOver`. */
async function load(
  port: number,
  client: number,
  isOver: () => boolean,
): Promise<{ answers: number; wrong: string[] }> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const wrong: string[] = []
  let answers = 0
  for (; !isOver(); answers++) {
    const path = `/${client}/${answers}`
    const text = await ask(agent, port, path, (client * 7 + answers) % 20).catch((error: unknown) =>
      String(error),
    )
    if (text !== `first, last of ${path}`) wrong.push(text)
  }
  agent.destroy()
  return { answers, wrong }
}

function ask(agent: Agent, port: number, path: string, takes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(
      { host: '127.0.0.1', port, path, agent, headers: { 'x-takes': takes } },
      (response) => {
        let text = ''
        response.on('data', (data) => (text += String(data)))
        response.on('end', () => resolve(text))
        response.on('error', reject)
      },
    )
    request.on('error', reject)
  })
}

it('rolling restarts under load neither reject nor interrupt a request', async () => {
  const balancer = new Balancer()
  const port = await balancer.listen()
  let current = await start()
  balancer.port = current.port
  let isOver = false
  const clients = Array.from({ length: 20 }, (_, client) => load(port, client, () => isOver))
  for (let restart = 0; restart < 3; restart++) {
    const next = await start()
    balancer.port = next.port
    current.child.kill('SIGTERM')
    expect(await current.child.exit).toMatchObject({
      code: 0,
      lines: expect.arrayContaining(['stopped']) as unknown,
    })
    current = next
  }
  isOver = true
  const results = await Promise.all(clients)
  expect(results.flatMap(({ wrong }) => wrong)).toEqual([])
  expect(results.reduce((sum, { answers }) => sum + answers, 0)).toBeGreaterThan(60)
  balancer.close()
  current.child.kill('SIGTERM')
  await current.child.exit
})
