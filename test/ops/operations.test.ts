import { Runtime, repeat, runAllWorkers } from 'runutil'
import { OpsServer } from 'runutil/ops'
import { JobQueue, MemoryJobStore, QueueWorker } from 'runutil/queue'
import { Probe } from 'runutil/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { failureOf } from '../support/outcome.ts'
import { CHANGE, type RawRequest, ask } from '../support/ops/raw-client.ts'

const MARKUP = '<img src=x onerror=alert(1)>'

/** A program with a queue, a repeat and the server, as an operator sees it. */
class Program {
  readonly queue = new JobQueue(new MemoryJobStore())
  readonly ops = new OpsServer({
    port: 0,
    queue: this.queue,
    token: 'write',
    readToken: 'look',
    redact: (value, _, what) => (what === 'payload' ? { ...(value as object), password: '[hidden]' } : value),
    checks: { database: async () => {} },
    metrics: async () => 'runutil_up 1\n',
  })
  readonly log = capturedLogger()
  readonly #stop = new AbortController()
  readonly #runtime = new Runtime()
  readonly #ended = new Probe('the end of a job')
  readonly ran = new Probe('a run of Tidy')
  #run: Promise<void> | undefined

  async start(): Promise<void> {
    const worker = new QueueWorker(this.queue).register('mail', ({ payload }) => {
      if ((payload as { to: string }).to === 'nobody') throw new Error(MARKUP)
    })
    const workers = [
      { name: 'Jobs', worker },
      { name: 'Tidy', worker: repeat('1h', () => this.ran.hit()) },
      { name: 'Ops', worker: this.ops },
    ]
    const { logger } = this.log
    this.#run = runAllWorkers(workers, this.#stop.signal, { logger, runtime: this.#runtime })
    await this.#runtime.ready()
    await this.queue.enqueue([
      { id: 'mail/1', kind: 'mail', payload: { to: 'ada', password: 'hunter2' } },
      { id: 'mail/2', kind: 'mail', payload: { to: 'nobody' } },
      { id: 'later', kind: 'mail', payload: { to: 'bo' }, runAt: new Date('2100-01-01') },
    ])
    await failureOf(this.queue.result('mail/2'))
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#run
  }

  /** With the token that reads, or for a change the one that changes. */
  async ask(path: string, body?: object, token = body === undefined ? 'look' : 'write') {
    const change: RawRequest = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
    const headers = { authorization: `Bearer ${token}`, ...(body !== undefined && CHANGE) }
    const answer = await ask(Number(new URL(this.ops.url!).port), { path, ...change, headers })
    return { status: answer.status, json: answer.json!, text: answer.text }
  }
}

describe('a program with a queue', () => {
  const program = new Program()
  beforeAll(() => program.start())
  afterAll(() => program.stop())

  test('shows its workers, without any null', async () => {
    const { status, json, text } = await program.ask('/api/v1/state')
    expect(status).toBe(200)
    const workers = json.workers as Record<string, { kind: string; state: string }>
    const kinds = Object.fromEntries(Object.entries(workers).map(([path, { kind }]) => [path, kind]))
    expect(kinds).toMatchObject({ '/Jobs': 'queue', '/Tidy': 'repeat', '/Ops': 'ops' })
    expect(workers['/Ops']!.state).toBe('ready')
    expect(json.at).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    expect(text).not.toContain('null')
  })

  test('shows its kinds, jobs and replicas as lists', async () => {
    for (const name of ['kinds', 'jobs', 'replicas']) {
      const { status, json } = await program.ask(`/api/v1/${name}`)
      expect([name, status, Object.keys(json)]).toEqual([
        name,
        200,
        expect.arrayContaining(['at', 'ageMs', name]),
      ])
    }
    const { json } = await program.ask('/api/v1/jobs?kind=mail&status=WAITING&limit=10')
    expect((json.jobs as { id: string; runAt: string }[]).map(({ id, runAt }) => [id, runAt])).toEqual([
      ['later', '2100-01-01T00:00:00.000Z'],
    ])
  })

  test('shows one job, its payload redacted and its error as text', async () => {
    const job = await program.ask('/api/v1/jobs/mail%2F1')
    expect(job.json.payload).toEqual({ to: 'ada', password: '[hidden]' })
    expect(job.text).not.toContain('hunter2')
    const failed = await program.ask('/api/v1/jobs/mail%2F2')
    expect(failed.json.lastError).toContain(MARKUP)
    expect((await program.ask('/api/v1/jobs/none')).status).toBe(404)
  })

  test('has no module that it was not given', async () => {
    for (const name of ['specs', 'actions', 'leases']) {
      expect([name, (await program.ask(`/api/v1/${name}`)).status]).toEqual([name, 404])
    }
  })

  test('refuses what is no query', async () => {
    for (const query of ['limit=0', 'limit=1001', 'createdAt.gte=yesterday', 'status=LATE', 'after=x']) {
      const { status, json } = await program.ask(`/api/v1/jobs?${query}`)
      expect([query, status, json.code]).toEqual([query, 400, 'bad-request'])
    }
  })

  test('is paused, triggered and resumed, by whoever may, and logs who it was', async () => {
    expect((await program.ask('/api/v1/workers/Tidy/pause', {}, 'look')).status).toBe(403)
    expect((await program.ask('/api/v1/workers/Tidy/pause', {})).status).toBe(200)
    const paused = (await program.ask('/api/v1/state')).json.workers as Record<string, { state: string }>
    expect(paused['/Tidy']!.state).toBe('paused')
    expect((await program.ask('/api/v1/workers/%2FTidy/trigger', {})).status).toBe(200)
    await program.ran.times(1)
    expect((await program.ask('/api/v1/workers//Tidy/resume', {})).status).toBe(200)
    expect((await program.ask('/api/v1/workers/Tidi/pause', {})).json).toMatchObject({
      code: 'not-found',
      message: "no worker has the path '/Tidi'; did you mean '/Tidy'?",
    })
    expect((await program.ask('/api/v1/workers/Ops/pause', {})).status).toBe(409)
    const said = program.log.lines.map(({ msg }) => msg).filter((line) => line.includes('worker /Tidy'))
    expect(said).toEqual([
      '127.0.0.1 with a token: pause worker /Tidy: done',
      '127.0.0.1 with a token: trigger worker /Tidy: done',
      '127.0.0.1 with a token: resume worker /Tidy: done',
    ])
  })

  test('retries, cancels and deletes jobs: one by its id, many by a query once they were counted', async () => {
    expect((await program.ask('/api/v1/jobs/mail%2F1/retry', {})).status).toBe(409)
    expect((await program.ask('/api/v1/jobs/mail%2F2/retry', {})).json).toMatchObject({ id: 'mail/2' })
    await expect.poll(async () => (await program.queue.get('mail/2'))?.status).toMatch(/FAILED|PANIC/)
    const query = { kind: 'mail', status: 'WAITING' }
    expect((await program.ask('/api/v1/jobs/cancel', { query })).status).toBe(400)
    const counted = await program.ask('/api/v1/jobs/cancel', { query, dryRun: true })
    expect(counted.json).toMatchObject({ count: 1 })
    expect((await program.queue.get('later'))?.status).toBe('PENDING')
    const { asOf } = counted.json as unknown as { asOf: string }
    expect((await program.ask('/api/v1/jobs/cancel', { query, asOf, count: 0 })).status).toBe(409)
    expect((await program.ask('/api/v1/jobs/cancel', { query, asOf, count: 1 })).json).toEqual({ changed: 1 })
    expect((await program.queue.get('later'))?.status).not.toBe('PENDING')
    expect((await program.ask('/api/v1/jobs/later/delete', {})).status).toBe(200)
    expect(await program.queue.get('later')).toBeUndefined()
  })

  test('pauses and resumes a kind', async () => {
    expect((await program.ask('/api/v1/kinds/mail/pause', {})).json).toEqual({ kind: 'mail', paused: true })
    expect((await program.ask('/api/v1/kinds/mail/resume', {})).json).toEqual({ kind: 'mail', paused: false })
  })

  test('answers probes and metrics', async () => {
    const ok = { ok: true, reasons: [] }
    for (const path of ['/livez', '/readyz', '/startupz']) expect((await program.ask(path)).json).toEqual(ok)
    expect((await program.ask('/metrics')).text).toBe('runutil_up 1\n')
  })
})

test('two processes of a program see and steer each other', async () => {
  const { MemoryReplicaStore } =
    await import('../../packages/runutil/src/ops/replicas/memory-replica-store.ts')
  const replicas = new MemoryReplicaStore()
  const stop = new AbortController()
  const servers = [1, 2].map(() => new OpsServer({ port: 0, replicas, token: 'write' }))
  const runs = servers.map(async (ops) => {
    const workers = [
      { name: 'Ops', worker: ops },
      { name: 'Tidy', worker: repeat('1h', () => {}) },
    ]
    await runAllWorkers(workers, stop.signal, { logger: capturedLogger().logger })
  })
  await expect.poll(async () => (await replicas.list()).length).toBe(2)
  const [port, otherPort] = servers.map(({ url }) => Number(new URL(url!).port)) as [number, number]
  const headers = { ...CHANGE, authorization: 'Bearer write' }
  const list = (await ask(port, { path: '/api/v1/replicas' })).json!.replicas as {
    id: string
    lost: boolean
  }[]
  expect(list.map(({ lost }) => lost)).toEqual([false, false])
  const other = (await ask(otherPort, { path: '/api/v1/state' })).json!.replica as string
  expect(list.map(({ id }) => id)).toContain(other)
  const seen = await ask(port, { path: `/api/v1/state?replica=${other}` })
  expect(Object.keys(seen.json!.workers as object)).toContain('/Tidy')

  const path = `/api/v1/workers/Tidy/pause?replica=${other}`
  expect((await ask(port, { method: 'POST', path, headers })).status).toBe(200)
  const states = [port, otherPort].map(async (one) => {
    const { json } = await ask(one, { path: '/api/v1/state' })
    return (json!.workers as Record<string, { state: string }>)['/Tidy']!.state
  })
  expect(await Promise.all(states)).toEqual(['ready', 'paused'])
  const nobody = { method: 'POST', path: '/api/v1/workers/Tidy/pause?replica=none', headers }
  expect((await ask(port, nobody)).status).toBe(404)
  stop.abort()
  await Promise.all(runs)
  expect(await replicas.list()).toEqual([])
})
