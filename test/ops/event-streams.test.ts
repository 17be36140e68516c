import { type Server, createServer } from 'node:http'
import { type AddressInfo, type Socket, connect } from 'node:net'
import { VirtualClock } from 'runutil/testing'
import { afterEach, expect, test } from 'vitest'
import { EventStreams } from '../../packages/runutil/src/ops/events/event-streams.ts'
import { OpsError } from '../../packages/runutil/src/ops/ops-error.ts'
import { apply } from '../../packages/runutil/src/ops/events/patch.ts'
import type { ReadModel, State } from '../../packages/runutil/src/ops/views/read-model.ts'
import { EventClient } from '../support/ops/event-client.ts'

/** A model whose parts a test sets, and which counts how often it is read. */
class ScriptedModel {
  counter = 0
  padding = ''
  reads = 0
  kindsAsked = 0
  kinds: (() => object[]) | undefined = () => [{ kind: 'mail', waiting: this.counter }]
  others = new Map<string, number>()

  get model(): ReadModel {
    return {
      state: () => this.#state('here'),
      stateOf: async (id: string) => {
        if (!this.others.has(id)) throw new OpsError(404, 'not-found', `there is no replica '${id}'`)
        return { ...this.#state(id), ageMs: this.others.get(id)! }
      },
      kinds: async () => {
        this.kindsAsked++
        if (this.kinds === undefined) throw new OpsError(404, 'not-given', 'no queue')
        return { at: new Date(this.kindsAsked).toISOString(), ageMs: 0, kinds: this.kinds() }
      },
    } as Partial<ReadModel> as ReadModel
  }

  #state(replica: string): State {
    this.reads++
    const workers = { '': { runs: this.counter, text: this.padding } }
    return { at: `${this.reads}`, replica, workers } as unknown as State
  }
}

/** More than the kernel takes for a connection that isn't read. */
const PADDING = 'x'.repeat(8 * 2 ** 20)

interface Served {
  readonly clock: VirtualClock
  readonly script: ScriptedModel
  readonly streams: EventStreams
  readonly server: Server
  readonly url: string
}

const opened: (() => void)[] = []
afterEach(() => {
  for (const close of opened.splice(0)) close()
})

async function serve(): Promise<Served> {
  const clock = new VirtualClock()
  const script = new ScriptedModel()
  const streams = new EventStreams(script.model, clock)
  const server = createServer((request, response) => {
    const fields = Object.fromEntries(new URL(request.url!, 'http://localhost').searchParams)
    streams.open(response, fields).catch((error: Error) => {
      const status = error instanceof OpsError ? error.status : 400
      response.writeHead(status, error instanceof OpsError ? error.headers : {}).end(error.message)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  opened.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { clock, script, streams, server, url: `http://127.0.0.1:${port}/` }
}

async function reader(url: string): Promise<EventClient> {
  const client = await EventClient.open(url)
  opened.push(() => client.close())
  return client
}

/** Waits until the server has noticed it. */
async function untilCount(streams: EventStreams, count: number): Promise<void> {
  await expect.poll(() => streams.count).toBe(count)
}

test('a stream begins with the state, then has one patch a second, which make the state of then', async () => {
  const { clock, script, url } = await serve()
  const client = await reader(url)
  const { headers } = client.response
  expect(headers['content-type']).toMatch(/^text\/event-stream/)
  expect(headers['x-accel-buffering']).toBe('no')
  await client.until(({ name }) => name === 'state')
  for (let round = 1; round <= 3; round++) {
    script.counter = round
    await clock.advance(1_000)
    await client.until(({ name }) => name === 'patch', round)
  }
  expect(client.events.map(({ name }) => name)).toEqual(['state', 'patch', 'patch', 'patch'])
  expect(client.events[1]!.data).toEqual({ at: expect.any(String) as string, workers: { '': { runs: 1 } } })
  const patched = client.events.map(({ data }) => data).reduce((state, patch) => apply(state, patch) as never)
  expect(patched).toMatchObject({ replica: 'here', workers: { '': { runs: 3, text: '' } } })
})

test('nothing is computed while nobody watches, and once for all who do', async () => {
  const { clock, script, streams, url } = await serve()
  await clock.advance(10_000)
  expect(script.reads).toBe(0)
  const clients = await Promise.all([reader(url), reader(url), reader(url)])
  await Promise.all(clients.map((client) => client.until(({ name }) => name === 'state')))
  const before = script.reads
  await clock.advance(5_000)
  expect(script.reads - before).toBe(5)
  for (const client of clients) client.close()
  await untilCount(streams, 0)
  const after = script.reads
  await clock.advance(10_000)
  expect(script.reads).toBe(after)
  expect(clock.pending).toBe(0)
})

test('a comment comes each 15 seconds', async () => {
  const { clock, url } = await serve()
  const client = await reader(url)
  await clock.advance(31_000)
  await expect.poll(() => client.pings).toBe(2)
})

test('a list that is watched comes at once and when it changes, and not when only its age does', async () => {
  const { clock, script, url } = await serve()
  const client = await reader(`${url}?watch=kinds`)
  await client.until(({ name }) => name === 'kinds')
  await clock.advance(3_000)
  expect(script.kindsAsked).toBe(4)
  script.counter = 7
  await clock.advance(1_000)
  const changed = await client.until(
    ({ name, data }) => name === 'kinds' && JSON.stringify(data).includes('"waiting":7'),
  )
  expect(changed.data['kinds']).toEqual([{ kind: 'mail', waiting: 7 }])
  expect(client.events.filter(({ name }) => name === 'kinds')).toHaveLength(2)
})

test('a list that is not known says why, once, and comes when it is', async () => {
  const { clock, script, url } = await serve()
  script.kinds = undefined
  const client = await reader(`${url}?watch=kinds`)
  await client.until(({ name, data }) => name === 'kinds' && data['code'] === 'not-given')
  await clock.advance(3_000)
  script.kinds = () => []
  await clock.advance(1_000)
  await client.until(({ name, data }) => name === 'kinds' && 'kinds' in data)
  expect(client.events.filter(({ name }) => name === 'kinds')).toHaveLength(2)
})

test('names that are not known are refused, with the nearest one', async () => {
  const { url } = await serve()
  const answers = await Promise.all(['?watch=kind', '?wach=kinds'].map((query) => fetch(url + query)))
  const texts = await Promise.all(answers.map((answer) => answer.text()))
  expect(answers.map(({ status }) => status)).toEqual([400, 400])
  expect(texts).toEqual([
    "events: watch: unknown field 'kind'; did you mean 'kinds'?",
    "events: unknown field 'wach'; did you mean 'watch'?",
  ])
})

test('of another replica, what it last told is shown; one that is not known is refused, and one that leaves said', async () => {
  const { clock, script, url } = await serve()
  expect((await fetch(`${url}?replica=there`)).status).toBe(404)
  script.others.set('there', 5)
  const client = await reader(`${url}?replica=there`)
  const { data } = await client.until(({ name }) => name === 'state')
  expect(data).toMatchObject({ replica: 'there', ageMs: 5 })
  script.others.clear()
  await clock.advance(2_000)
  const failure = await client.until(({ name }) => name === 'failure')
  expect(failure.data).toEqual({ code: 'not-found', message: "there is no replica 'there'" })
  expect(client.events).toHaveLength(2)
})

test('of 60 who ask at once, 50 get a stream and 10 are refused; who leaves makes room', async () => {
  const { streams, url } = await serve()
  const clients = await Promise.all(Array.from({ length: 60 }, () => reader(url)))
  const statuses = clients.map(({ response }) => response.statusCode)
  expect(statuses.filter((status) => status === 200)).toHaveLength(50)
  const refused = clients.filter(({ response }) => response.statusCode === 429)
  expect(refused).toHaveLength(10)
  expect(refused[0]!.response.headers['retry-after']).toBe('5')
  clients.find(({ response }) => response.statusCode === 200)!.close()
  await untilCount(streams, 49)
  expect((await reader(url)).response.statusCode).toBe(200)
})

/** A connection that has asked for the events and reads nothing. */
async function silentReader(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.pause()
  opened.push(() => socket.destroy())
  await new Promise<void>((resolve) => socket.once('connect', resolve))
  socket.write(`GET / HTTP/1.1\r\nhost: ${hostname}:${port}\r\n\r\n`)
  return socket
}

test('a reader that does not read holds no more than one state in memory, and gets a new one when it reads again', async () => {
  const { clock, script, streams, server, url } = await serve()
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  script.padding = PADDING
  const silent = await silentReader(url)
  await untilCount(streams, 1)
  const [socket] = sockets
  const held = socket!.writableLength
  expect(held).toBeGreaterThan(0)
  for (let round = 1; round <= 20; round++) {
    script.counter = round
    await clock.advance(1_000)
  }
  expect(socket!.writableLength).toBeLessThanOrEqual(held)
  const texts: string[] = []
  silent.setEncoding('utf8').on('data', (text: string) => texts.push(text))
  silent.resume()
  await expect.poll(() => socket!.writableLength).toBe(0)
  script.padding = ''
  script.counter = 99
  await clock.advance(1_000)
  await expect.poll(() => texts.slice(-5).join('')).toContain('"runs":99')
  const events = texts.join('').match(/event: \w+/g)
  expect(events).toEqual(['event: state', 'event: state'])
})

test('a connection that takes nothing for a minute is closed', async () => {
  const { clock, script, streams, url } = await serve()
  script.padding = PADDING
  await silentReader(url)
  await untilCount(streams, 1)
  await clock.advance(59_000)
  expect(streams.count).toBe(1)
  await clock.advance(3_000)
  await untilCount(streams, 0)
})

test('closing ends all streams, and refuses others', async () => {
  const { clock, script, streams, url } = await serve()
  const client = await reader(url)
  script.padding = PADDING
  await silentReader(url)
  await untilCount(streams, 2)
  streams.close()
  await client.untilOver()
  await untilCount(streams, 0)
  expect((await fetch(url)).status).toBe(503)
  expect(clock.pending).toBe(0)
})
