import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import {
  InvalidArgumentError,
  Runtime,
  type WorkerGroupError,
  errorIs,
  runAllWorkers,
  workerReady,
} from 'runutil'
import { PortInUseError } from 'runutil/http'
import { type OpsOptions, OpsServer } from 'runutil/ops'
import { MemoryJobStore } from 'runutil/queue'
import { Probe } from 'runutil/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { failureOf, untilAbort } from '../support/outcome.ts'
import { CHANGE, type RawRequest, ask } from '../support/ops/raw-client.ts'

const HOST = '127.0.0.1'

afterEach(() => {
  delete process.env.RUNUTIL_OPS_TOKEN
})

/** A run with an OpsServer, and another worker. */
class Running {
  readonly ops: OpsServer
  readonly stop = new AbortController()
  readonly runtime = new Runtime()
  readonly run: Promise<void>

  constructor(options: OpsOptions = {}, other = untilAbort) {
    this.ops = new OpsServer({ port: 0, ...options })
    const workers = [
      { name: 'Other', worker: other },
      { name: 'Ops', worker: this.ops },
    ]
    const { logger } = capturedLogger()
    this.run = runAllWorkers(workers, this.stop.signal, { logger, runtime: this.runtime })
  }

  static async ready(options?: OpsOptions, other?: typeof untilAbort): Promise<Running> {
    const running = new Running(options, other)
    await running.runtime.ready('/Ops')
    return running
  }

  get port(): number {
    return Number(new URL(this.ops.url!).port)
  }

  ask(path: string, asked: RawRequest = {}) {
    return ask(this.port, { path, ...asked })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort()
    await this.run
  }
}

describe('the options', () => {
  test.each<[options: unknown, message: string | RegExp]>([
    [{ prot: 1 }, "OpsServer: unknown option 'prot'; did you mean 'port'?"],
    [{ tokens: 'x' }, "OpsServer: unknown option 'tokens'; did you mean 'token'?"],
    [{ allowedHost: [] }, "OpsServer: unknown option 'allowedHost'; did you mean 'allowedHosts'?"],
    [{ port: -1 }, 'OpsServer: port: expected a whole number from 0 to 65535; got -1'],
    [{ port: '80' }, 'OpsServer: port: expected a whole number from 0 to 65535; got "80"'],
    [{ host: 7 }, 'OpsServer: host: expected a name or address of this machine; got 7'],
    [{ basePath: 'ops' }, `OpsServer: basePath: expected a path such as '/ops'; got "ops"`],
    [{ basePath: '/ops/../x' }, `OpsServer: basePath: expected a path such as '/ops'; got "/ops/../x"`],
    [
      { basePath: '//evil.example' },
      `OpsServer: basePath: expected a path such as '/ops'; got "//evil.example"`,
    ],
    [{ page: 'no' }, 'OpsServer: page: expected true or false; got "no"'],
    [{ authorize: true }, 'OpsServer: authorize: expected a function; got true'],
    [{ metrics: 'x' }, 'OpsServer: metrics: expected a function; got "x"'],
    [{ checks: { db: true } }, 'checks: db: expected a function (signal) => Promise; got true'],
    [{ queue: {} }, 'OpsServer: queue: expected a JobQueue; got an object {  }'],
    [{ queue: new MemoryJobStore() }, /^OpsServer: queue: expected a JobQueue; got /],
    [{ dispatch: {} }, 'OpsServer: dispatch: expected a Manager, or an array of them; got an object {  }'],
    [{ dispatch: null }, 'OpsServer: dispatch: expected a Manager, or an array of them; got null'],
    [{ dispatch: [7] }, 'OpsServer: dispatch: expected a Manager, or an array of them; got 7'],
    [{ checks: null }, 'checks: expected an object of functions by their names; got null'],
    [{ checks: () => {} }, /^checks: expected an object of functions/],
    [{ checks: new Map() }, /^checks: expected an object of functions/],
    [{ runtime: 'run' }, 'OpsServer: runtime: expected a Runtime; got "run"'],
    [{ token: 7 }, 'OpsServer: token: expected a string; got "number"'],
    [
      { token: 'with space' },
      'OpsServer: token: expected printable ASCII without spaces, which a header can carry; got other characters',
    ],
    [
      { token: 'a', readToken: 'a' },
      'OpsServer: readToken: expected another than token, which allows changes and, beside any readToken, reading too',
    ],
    [
      { allowedHosts: ['https://ops.example'] },
      `OpsServer: allowedHosts: expected names such as 'ops.example.com', without scheme and port; got "https://ops.example"`,
    ],
    [
      { allowedHosts: ['*.example'] },
      `OpsServer: allowedHosts: expected names such as 'ops.example.com', without scheme and port; got "*.example"`,
    ],
    ['x', 'OpsServer: expected an options object'],
  ])('are checked: %o', (options, message) => {
    const make = (): OpsServer => new OpsServer(options as OpsOptions)
    expect(make).toThrow(InvalidArgumentError)
    expect(make).toThrow(message)
  })

  test.each(['0.0.0.0', '', '0', '::', '10.0.0.1', 'ops.example'])(
    'have a token for a host that others can reach: %s',
    (host) => {
      for (const open of [
        {},
        { token: '' },
        { token: [] },
        { token: [''], readToken: '' },
        { page: false },
      ]) {
        expect(() => new OpsServer({ host, ...open })).toThrow(
          `OpsServer: host: expected token, readToken or authorize for ${JSON.stringify(host)}, which others may reach; got none; ` +
            "set one of them or RUNUTIL_OPS_TOKEN, or host: '127.0.0.1'",
        )
      }
      for (const guarded of [
        { token: 'a' },
        { readToken: 'a' },
        { authorize: () => 'none' as const },
        { page: false, api: false },
        { api: false },
      ]) {
        expect(new OpsServer({ host, ...guarded }).url).toBeUndefined()
      }
    },
  )

  test('take the token of the environment, unless one is given', async () => {
    process.env.RUNUTIL_OPS_TOKEN = 'secret'
    await using running = await Running.ready()
    await using other = await Running.ready({ token: '' })
    const pause = { method: 'POST', headers: { ...CHANGE, authorization: 'Bearer secret' } }
    // A worker that can't be paused.
    expect((await running.ask('/api/v1/workers/Other/pause', pause)).status).toBe(409)
    expect((await other.ask('/api/v1/workers/Other/pause', pause)).status).toBe(403)
    process.env.RUNUTIL_OPS_TOKEN = 'with a line end\n'
    expect(() => new OpsServer()).toThrow(
      'OpsServer: RUNUTIL_OPS_TOKEN: expected printable ASCII without spaces',
    )
  })
})

describe('a server that runs', () => {
  test('has a url while it does, which ends with a slash', async () => {
    const running = await Running.ready({ basePath: '/ops' })
    const { url } = running.ops
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/ops\/$/)
    expect((await fetch(`${url}api/v1/state`)).status).toBe(200)
    await running[Symbol.asyncDispose]()
    expect(running.ops.url).toBeUndefined()
    await expect(fetch(`${url}livez`)).rejects.toThrow()
  })

  test('names an address that can be called, whatever it listens on', async () => {
    await using running = await Running.ready({ host: '0.0.0.0', token: 'a' })
    expect(running.ops.url).toMatch(/^http:\/\/localhost:\d+\/$/)
  })

  test('fails with what to do if the port is in use', async () => {
    const other = createServer().listen(0, HOST)
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const failed = await failureOf<WorkerGroupError>(new Running({ port }).run)
    expect(errorIs(failed, PortInUseError)).toBe(true)
    expect(failed.message).toBe(
      `/Ops: port ${port} of ${HOST} is in use; stop what listens there, or choose another: port: 0 is any free one`,
    )
    other.close()
  })

  test('runs once at a time, and again after a restart', async () => {
    await using running = await Running.ready()
    await expect(running.ops.run(running.stop.signal)).rejects.toThrow(
      'OpsServer: expected one that does not run; got one that does; create another',
    )
    await running.runtime.restart('/Ops')
    await running.runtime.ready('/Ops')
    expect((await running.ask('/api/v1/state')).status).toBe(200)
  })

  test('is up before the others, and until they have ended', async () => {
    const starting = new Probe('the start of the other')
    const go = new Probe('permission to be ready')
    const stopping = new Probe('the stop of the other')
    const end = new Probe('permission to end')
    const other = async (signal: AbortSignal): Promise<void> => {
      starting.hit()
      await go.times(1)
      workerReady()
      await untilAbort(signal)
      stopping.hit()
      await end.times(1)
    }
    const ops = new OpsServer({ port: 0 })
    const runtime = new Runtime()
    const stop = new AbortController()
    const workers = [
      { name: 'Other', worker: other, startTimeout: '1h' },
      { name: 'Ops', worker: ops },
    ]
    const run = runAllWorkers(workers, stop.signal, { logger: capturedLogger().logger, runtime })
    await starting.times(1)
    const url = ops.url!
    const statusOf = async (path: string): Promise<number> => (await fetch(url + path)).status
    expect([await statusOf('livez'), await statusOf('readyz'), await statusOf('startupz')]).toEqual([
      200, 503, 503,
    ])
    go.hit()
    await runtime.ready()
    expect([await statusOf('livez'), await statusOf('readyz'), await statusOf('startupz')]).toEqual([
      200, 200, 200,
    ])
    stop.abort()
    await stopping.times(1)
    expect([await statusOf('livez'), await statusOf('readyz')]).toEqual([200, 503])
    expect(await statusOf('api/v1/state')).toBe(200)
    end.hit()
    await run
    await expect(fetch(`${url}livez`)).rejects.toThrow()
  })

  test('ends streams, and connections of whoever says nothing, when it stops', async () => {
    const running = await Running.ready()
    const silent = connect(running.port, HOST)
    await once(silent, 'connect')
    const sent = request({ host: HOST, port: running.port, path: '/api/v1/events' }).end()
    const [response] = (await once(sent, 'response')) as [import('node:http').IncomingMessage]
    let received = ''
    response.on('data', (data) => (received += String(data)))
    await once(response, 'data')
    expect(response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'x-accel-buffering': 'no',
    })
    silent.resume()
    const ended = Promise.all([once(response, 'end'), once(silent, 'close')])
    await running[Symbol.asyncDispose]()
    await ended
    expect(received).toMatch(/^event: state\ndata: \{/)
  })

  test('answers whoever restarts it, before it stops', async () => {
    await using running = await Running.ready({ token: 'write' })
    const headers = { ...CHANGE, authorization: 'Bearer write' }
    const path = '/api/v1/workers/Ops/restart'
    expect((await running.ask(path, { method: 'POST', headers })).status).toBe(202)
    await expect.poll(() => running.runtime.get('/Ops')).toMatchObject({ state: 'ready', restarts: 0 })
    await expect.poll(() => running.ops.url).toBeDefined()
    expect((await running.ask('/api/v1/state')).status).toBe(200)
  })

  test('leaves nothing behind when it is stopped before it listens', async () => {
    const stop = new AbortController()
    const ops = new OpsServer({ port: 0 })
    stop.abort()
    await ops.run(stop.signal)
    const again = new AbortController()
    const run = ops.run(again.signal)
    again.abort()
    await run
    expect(ops.url).toBeUndefined()
  })
})

describe('a handler', () => {
  test('serves the run of the option runtime without a port of its own', async () => {
    const runtime = new Runtime()
    const ops = new OpsServer({ runtime, token: 'write' })
    const server = createServer(ops.handler()).listen(0, HOST)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    expect((await ask(port, { path: '/readyz' })).status).toBe(503)
    const stop = new AbortController()
    const workers = [{ name: 'Other', worker: untilAbort }]
    const { logger, lines } = capturedLogger()
    const run = runAllWorkers(workers, stop.signal, { logger, runtime })
    await runtime.ready()
    expect((await ask(port, { path: '/readyz' })).status).toBe(200)
    const { json } = await ask(port, { path: '/api/v1/state' })
    expect(Object.keys(json!.workers as object)).toContain('/Other')
    expect(
      (await ask(port, { path: '/api/v1/workers/Other/stop', method: 'POST', headers: CHANGE })).status,
    ).toBe(401)
    const headers = { ...CHANGE, authorization: 'Bearer write' }
    expect((await ask(port, { path: '/api/v1/workers/Other/restart', method: 'POST', headers })).status).toBe(
      200,
    )
    // Where the run logs.
    const call = { what: 'restart', on: 'worker /Other', status: 200 }
    expect(lines).toContainEqual(expect.objectContaining(call))
    stop.abort()
    await run
    server.closeAllConnections()
    server.close()
  })

  test('says what to do where there is no run', async () => {
    const server = createServer(new OpsServer().handler()).listen(0, HOST)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const answer = await ask(port, { path: '/api/v1/state' })
    expect([answer.status, answer.json]).toEqual([
      503,
      {
        code: 'not-running',
        message:
          'there is no run to serve; add the OpsServer to the workers of the run, or give it the option runtime',
      },
    ])
    expect((await ask(port, { path: '/livez' })).status).toBe(200)
    expect((await ask(port, { path: '/api/v1/openapi.json' })).status).toBe(200)
    server.closeAllConnections()
    server.close()
  })
})
