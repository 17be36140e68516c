import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { Runtime, runAllWorkers } from 'runutil'
import { cron } from 'runutil/cron'
import { MemoryLeaseStore } from 'runutil/leases'
import { MemoryReplicaStore, OpsServer, doctor } from 'runutil/ops'
import { JobQueue, MemoryJobStore, QueueWorker } from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Check, Patient } from '../../packages/runutil/src/ops/doctor/check.ts'
import { cronChanges } from '../../packages/runutil/src/ops/doctor/cron-changes.ts'
import * as connections from '../../packages/runutil/src/ops/doctor/connection-checks.ts'
import * as database from '../../packages/runutil/src/ops/doctor/database-checks.ts'
import { CHECKS, examine } from '../../packages/runutil/src/ops/doctor/examine.ts'
import { type Verdict, ok, some } from '../../packages/runutil/src/ops/doctor/finding.ts'
import { installedCopies } from '../../packages/runutil/src/ops/doctor/installed-packages.ts'
import * as processes from '../../packages/runutil/src/ops/doctor/process-checks.ts'
import * as queues from '../../packages/runutil/src/ops/doctor/queue-checks.ts'
import * as replicas from '../../packages/runutil/src/ops/doctor/replica-checks.ts'
import * as servers from '../../packages/runutil/src/ops/doctor/server-checks.ts'
import type { State } from '../../packages/runutil/src/ops/views/read-model.ts'

const server = { version: 160_003, versionName: '16.3', nowMs: 0, maxConnections: 100 }
const schema = { schema: 'runutil', missing: [], changed: undefined, isTooNew: false }
const few = { pool: 10, atOnce: 20, processes: 1, server: 100 }
const open = { pid: 7, application: 'report', state: 'idle in transaction' }
const live = {
  id: 'a',
  name: 'web',
  host: 'h',
  pid: 1,
  version: '0.1.0',
  startedAt: new Date(0),
  ageMs: 1,
  lost: false,
}
const lost = { ...live, id: 'b', ageMs: 120_000, lost: true }
const told: State = {
  at: '',
  replica: 'b',
  workers: { '/Report': { detail: { lease: 'report', held: true, fence: 3 } } as State['workers'][string] },
  loop: { utilization: 0 },
  memory: { rss: 0, heapUsed: 0, external: 0 },
}

describe('the doctor judges', () => {
  const cases: [what: string, verdict: Verdict, level: Verdict['level'], found: string][] = [
    ['an old Node', processes.judgeNode('20.18.3'), 'fail', 'Node 20.18.3'],
    [
      'an odd Node',
      processes.judgeNode('23.1.0'),
      'warn',
      'Node 23.1.0, of a line without long-term support',
    ],
    ['a Node', processes.judgeNode('20.19.0'), 'ok', 'Node 20.19.0'],
    [
      'tsx',
      processes.judgeDecorators({
        config: '',
        nodeOptions: ['--import', 'file:///a/node_modules/tsx/dist/loader.mjs'],
      }),
      'warn',
      'the program runs by tsx, which emits no decorator metadata',
    ],
    [
      'a configuration without metadata',
      processes.judgeDecorators({ config: '{ "experimentalDecorators": true }', nodeOptions: [] }),
      'warn',
      'tsconfig.json has experimentalDecorators without emitDecoratorMetadata',
    ],
    [
      'a configuration with metadata',
      processes.judgeDecorators({
        config: '{ "experimentalDecorators": true, "emitDecoratorMetadata": true }',
        nodeOptions: [''],
      }),
      'ok',
      'nothing that leaves out decorator metadata',
    ],
    ['a schema', database.judgeSchema(schema), 'ok', 'schema runutil is up to date'],
    [
      'a schema to migrate',
      database.judgeSchema({ ...schema, missing: ['queue', 'ops'] }),
      'fail',
      'schema runutil lacks 2 migrations: queue, ops',
    ],
    [
      'a schema of a pre-release',
      database.judgeSchema({ ...schema, changed: 'queue' }),
      'fail',
      'migration queue was applied to schema runutil in another form',
    ],
    [
      'a schema of a newer version',
      database.judgeSchema({ ...schema, isTooNew: true }),
      'fail',
      'schema runutil was migrated by a newer runutil',
    ],
    ['a server', database.judgeDatabase('postgres', server, true), 'ok', 'PostgreSQL 16.3'],
    [
      'an old server',
      database.judgeDatabase('postgres', { ...server, version: 110_022, versionName: '11.22' }, false),
      'fail',
      'PostgreSQL 11.22',
    ],
    [
      'an embedded database',
      database.judgeDatabase('pglite', server, false),
      'ok',
      'PostgreSQL 16.3, embedded in this process',
    ],
    [
      'an embedded database in production',
      database.judgeDatabase('pglite', server, true),
      'warn',
      'PostgreSQL 16.3, embedded in this process, and NODE_ENV is production',
    ],
    ['listening', connections.judgeListening(true, true), 'ok', 'notifications are heard'],
    [
      'no listening',
      connections.judgeListening(false, false),
      'ok',
      'opened without listening: workers poll',
    ],
    [
      'a pooler between',
      connections.judgeListening(false, true),
      'warn',
      'a notification was not heard within 2 s: workers poll instead',
    ],
    ['a near database', connections.judgeRoundTrip(0.34), 'ok', 'an answer takes 0.3 ms'],
    ['a far database', connections.judgeRoundTrip(81.4), 'warn', 'an answer takes 81 ms'],
    [
      'right clocks',
      connections.judgeClocks({ aheadMs: -900, within: 5 }),
      'ok',
      'the clocks of process and database agree',
    ],
    [
      'clocks that a slow answer cannot compare',
      connections.judgeClocks({ aheadMs: 1_400, within: 500 }),
      'ok',
      'the clocks of process and database agree',
    ],
    [
      'a clock ahead',
      connections.judgeClocks({ aheadMs: 4_000, within: 5 }),
      'warn',
      "the clock of this process is 4 s ahead of the database's",
    ],
    [
      'a clock behind',
      connections.judgeClocks({ aheadMs: -7_200_000, within: 5 }),
      'warn',
      "the clock of this process is 2 h behind the database's",
    ],
    ['a pool', connections.judgeConnections(few), 'ok', '10 connections for up to 20 jobs at once'],
    [
      'a small pool',
      connections.judgeConnections({ ...few, atOnce: 101 }),
      'warn',
      '10 connections for up to 101 jobs at once',
    ],
    [
      'a pool of one',
      connections.judgeConnections({ ...few, pool: 1, atOnce: 1 }),
      'warn',
      '1 connection for up to 1 job at once: none is left to listen',
    ],
    [
      'a fleet',
      connections.judgeConnections({ ...few, processes: 8 }),
      'warn',
      '8 processes may open 104 connections, and the server takes 100',
    ],
    ['no transaction', database.judgeTransaction(undefined), 'ok', 'no transaction is open for long'],
    [
      'a transaction',
      database.judgeTransaction({ ...open, ageMs: 60_000 }),
      'ok',
      'no transaction is open for long',
    ],
    [
      'a long transaction',
      database.judgeTransaction({ ...open, ageMs: 3 * 3_600_000 }),
      'warn',
      'a transaction has been open for 3 h: process 7 of the server (report), idle in transaction',
    ],
    [
      'dead rows',
      database.judgeDeadRows([{ table: 'jobs', dead: 90_000, live: 60_000 }]),
      'ok',
      'few dead rows',
    ],
    [
      'many dead rows',
      database.judgeDeadRows([{ table: 'jobs', dead: 90_000, live: 100 }]),
      'warn',
      'many dead rows: jobs has 90000 beside 100 live ones',
    ],
    ['kinds', queues.judgeUnhandled([]), 'ok', 'each kind with due jobs has a worker'],
    [
      'kinds without a worker',
      queues.judgeUnhandled(['mial']),
      'warn',
      'jobs are due of kinds that no worker runs: mial',
    ],
    ['no pause', queues.judgePaused([]), 'ok', 'no kind is paused'],
    ['a pause', queues.judgePaused(['mail']), 'warn', 'paused, until somebody resumes them: mail'],
    [
      'claims that will be freed',
      queues.judgeClaims({ count: 2, oldestMs: 1_000 }),
      'ok',
      'no claim is far past its lease',
    ],
    [
      'claims that nobody frees',
      queues.judgeClaims({ count: 2, oldestMs: 7_200_000 }),
      'warn',
      'claims of jobs past their lease: 2, for up to 2 h',
    ],
    ['retention', queues.judgeRetention(60_000), 'ok', 'ended jobs are removed in time'],
    [
      'retention behind',
      queues.judgeRetention(49 * 3_600_000),
      'warn',
      'the removal of ended jobs is 2 d behind',
    ],
    [
      'equal limits',
      queues.judgeLimits([]),
      'ok',
      'all workers of a kind have the same limits and retention',
    ],
    [
      'different limits',
      queues.judgeLimits(['mail']),
      'warn',
      'workers have different limits or retentions for mail',
    ],
    ['replicas', replicas.judgeReplicas([live]), 'ok', '1 process, none lost'],
    [
      'a lost replica',
      replicas.judgeReplicas([live, lost]),
      'warn',
      '1 process lost: web (pid 1), silent for 2 m',
    ],
    [
      'one version',
      replicas.judgeVersions([live, { ...lost, version: '0.0.9' }]),
      'ok',
      'all processes have the same version of runutil',
    ],
    [
      'two versions',
      replicas.judgeVersions([live, { ...live, version: '0.2.0' }]),
      'warn',
      'processes have different versions of runutil: 0.1.0, 0.2.0',
    ],
    ['commands', replicas.judgeCommands(0), 'ok', 'commands are taken in time'],
    [
      'commands never taken',
      replicas.judgeCommands(1),
      'warn',
      'commands of the last hour that their process, which lives, never took: 1',
    ],
    [
      'a lease that another has taken since',
      replicas.judgeLeases([{ name: 'report', fence: 4, expiresInMs: 5_000 }], [told]),
      'ok',
      'no lost process holds a lease',
    ],
    [
      'a lease of a lost process',
      replicas.judgeLeases([{ name: 'report', fence: 3, expiresInMs: 5_000 }], [told]),
      'warn',
      'leases of lost processes: report, for 5 s more',
    ],
    [
      'an expired lease of a lost process',
      replicas.judgeLeases([{ name: 'report', fence: 3, expiresInMs: 0 }], [told]),
      'warn',
      'leases of lost processes: report, which has expired',
    ],
    ['a token', servers.judgeToken(false, true), 'ok', 'nobody reads without a token'],
    ['no token', servers.judgeToken(true, false), 'ok', 'whoever is on this machine reads without a token'],
    [
      'no token in production',
      servers.judgeToken(true, true),
      'warn',
      'whoever is on this machine reads without a token, and NODE_ENV is production',
    ],
    ['no proxy', servers.judgeProxy(undefined, true), 'ok', 'no request has come through a proxy'],
    [
      'a proxy and a token',
      servers.judgeProxy('x-forwarded-for', false),
      'ok',
      'requests come through a proxy (x-forwarded-for), and need a token',
    ],
    [
      'a proxy without a token',
      servers.judgeProxy('x-forwarded-for', true),
      'warn',
      'requests come through a proxy (x-forwarded-for), and this machine reads without a token',
    ],
  ]

  it.each(cases)('%s', (_, verdict, level, found) => {
    expect(verdict).toMatchObject({ level, found })
    // What isn't right comes with what to do.
    expect(typeof verdict.hint).toBe(level === 'ok' ? 'undefined' : 'string')
  })

  it('and names the first of many', () => {
    expect(some(['a', 'b', 'c', 'd', 'e', 'f', 'g'])).toBe('a, b, c, d, e and 2 more')
  })
})

describe('clock changes of 2030 in Berlin, at 2 on March 31 and 3 on October 27,', () => {
  const cases: [pattern: string, changes: string[]][] = [
    ['0 6 * * *', []],
    ['30 2 * * *', []],
    ['*/10 * * * *', []],
    ['0 * * * *', []],
    ['0 2,14 * * *', ['skipped on 03-31', 'doubled on 10-27']],
    ['*/20 2 * * *', ['skipped on 03-31', 'doubled on 10-27']],
    ['0 0-4 * * *', ['skipped on 03-31', 'doubled on 10-27']],
    ['0 2,14 * * MON', []],
    ['0 2,14 1 1 *', []],
  ]

  it.each(cases)('touch %s: %j', (pattern, expected) => {
    const from = Date.UTC(2030, 0, 1)
    const to = Date.UTC(2031, 0, 1)
    const changes = cronChanges({ pattern, timezone: 'Europe/Berlin', from, to })
    expect(changes.map(({ at, kind }) => `${kind} on ${new Date(at).toISOString().slice(5, 10)}`)).toEqual(
      expected,
    )
    expect(cronChanges({ pattern, timezone: 'UTC', from, to })).toEqual([])
  })

  it('come at their second', () => {
    const from = Date.UTC(2030, 0, 1, 7, 3)
    const to = Date.UTC(2031, 0, 1)
    const changes = cronChanges({ pattern: '0 2,14 * * *', timezone: 'Europe/Berlin', from, to })
    expect(changes.map(({ at }) => new Date(at).toISOString())).toEqual([
      '2030-03-31T01:00:00.000Z',
      '2030-10-27T01:00:00.000Z',
    ])
  })
})

describe('copies of packages', () => {
  let folder: string
  beforeAll(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'doctor-')))
    const add = async (path: string, name: string, version: string, dependencies: readonly string[] = []) => {
      await mkdir(join(folder, path), { recursive: true })
      const text = JSON.stringify({
        name,
        version,
        dependencies: Object.fromEntries(dependencies.map((d) => [d, '*'])),
      })
      await writeFile(join(folder, path, 'package.json'), text)
    }
    await add('sound', 'sound', '1.0.0', ['runutil', 'tsyringe', 'lib', 'gone'])
    await add('sound/src', 'no name', '')
    await rm(join(folder, 'sound/src/package.json'))
    await add('sound/node_modules/runutil', 'runutil', '0.1.0', ['tsyringe'])
    await add('sound/node_modules/tsyringe', 'tsyringe', '4.10.0')
    await add('sound/node_modules/lib', 'lib', '1.0.0', ['pino'])
    // Only a library's own: nobody else meets it.
    await add('sound/node_modules/lib/node_modules/pino', 'pino', '8.0.0')
    await add('sound/node_modules/pino', 'pino', '9.0.0')

    await add('broken', 'broken', '1.0.0', ['runutil', 'tsyringe', 'lib'])
    await add('broken/node_modules/runutil', 'runutil', '0.1.0', ['tsyringe'])
    await add('broken/node_modules/runutil/node_modules/tsyringe', 'tsyringe', '4.9.0')
    await add('broken/node_modules/tsyringe', 'tsyringe', '4.10.0')
    await add('broken/node_modules/lib', 'lib', '1.0.0', ['runutil'])
    await add('broken/node_modules/lib/node_modules/runutil', 'runutil', '0.0.9')
  })
  afterAll(() => rm(folder, { recursive: true }))

  const judged = async (path: string): Promise<Verdict> => {
    return processes.judgeCopies(
      (await installedCopies(join(folder, path), ['runutil', 'tsyringe', 'pino']))!,
    )
  }

  it('may be of a library by itself', async () => {
    expect(await judged('sound/src')).toEqual(ok('one copy of each shared package'))
  })

  it('are found where a program and runutil, or two users of runutil, have their own', async () => {
    const modules = join(folder, 'broken/node_modules')
    expect(await judged('broken')).toMatchObject({
      level: 'warn',
      found:
        `2 packages more than once: runutil 0.1.0 in ${modules}/runutil, runutil 0.0.9 in ${modules}/lib/node_modules/runutil, ` +
        `tsyringe 4.10.0 in ${modules}/tsyringe, tsyringe 4.9.0 in ${modules}/runutil/node_modules/tsyringe`,
    })
  })

  it('are not looked for where there is no package', async () => {
    expect(await installedCopies('/', ['runutil'])).toBeUndefined()
    expect(await installedCopies('/of/a/bundle', ['runutil'])).toBeUndefined()
  })
})

describe('the doctor', () => {
  const clock = new VirtualClock()
  const facts = {
    nodeVersion: '20.19.0',
    isProduction: false,
    folder: '/',
    nodeOptions: [],
    hasClasses: false,
  }
  const patient: Patient = { clock, process: facts }

  it('names each check once', () => {
    const names = CHECKS.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
  })

  it('asks for decorator metadata only of programs that have decorated classes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'doctor-'))
    await writeFile(join(folder, 'package.json'), '{ "dependencies": { "tsyringe": "4" } }')
    await writeFile(join(folder, 'tsconfig.json'), '{ "experimentalDecorators": true }')
    const found = async (hasClasses: boolean): Promise<string[]> => {
      const findings = await examine({ clock, process: { ...facts, folder, hasClasses } })
      return findings.map(({ check, level }) => `${level} ${check}`)
    }
    expect(await found(false)).not.toContain('warn decorators')
    expect(await found(true)).toContain('warn decorators')
    await rm(folder, { recursive: true })
  })

  it('leaves out checks whose subject is not given', async () => {
    expect(await examine(patient)).toEqual([{ check: 'node', ...ok('Node 20.19.0') }])
  })

  it('makes a finding of a check that fails or never ends', async () => {
    const checks: Check[] = [
      { name: 'late', examine: () => new Promise(() => {}) },
      {
        name: 'thrown',
        examine: () => {
          throw new Error('connection refused')
        },
      },
      { name: 'fine', examine: async () => ok('fine') },
    ]
    const examined = examine(patient, checks)
    await clock.advance(5_000)
    const hint = 'find out why there is no answer: until then nobody knows'
    expect(await examined).toEqual([
      { check: 'late', level: 'warn', found: 'could not be found out: no answer within 5000 ms', hint },
      { check: 'thrown', level: 'warn', found: 'could not be found out: connection refused', hint },
      { check: 'fine', level: 'ok', found: 'fine' },
    ])
  })

  it('looks at the queue, the replicas and the leases that it is given', async () => {
    const queue = new JobQueue(new MemoryJobStore())
    const replicaStore = new MemoryReplicaStore({ clock })
    await replicaStore.beat({ ...live, state: told })
    await clock.advance(20_000)
    await queue.enqueue({ kind: 'mial' })
    await queue.pause('mail')
    const findings = await doctor({
      queue,
      replicas: replicaStore,
      leases: new MemoryLeaseStore(),
      readToken: 'secret',
    })
    const seen = findings.filter(({ check }) => !['node', 'copies', 'decorators'].includes(check))
    expect(seen.map(({ check, level }) => `${check} ${level}`)).toEqual([
      'unhandled-kinds warn',
      'paused-kinds warn',
      'replicas warn',
      'versions ok',
      'leases ok',
      'token ok',
    ])
  })

  it('takes the options of an OpsServer, and says what is wrong with them', async () => {
    await expect(doctor({ database: {} as never })).rejects.toThrow(
      'doctor: database: expected what tells of a database, such as new PostgresDiagnosis(database); got an object {  }',
    )
    await expect(doctor({ que: 1 } as never)).rejects.toThrow(
      "doctor: unknown option 'que'; did you mean 'queue'?",
    )
  })
})

describe('an OpsServer', () => {
  it('answers what the doctor finds in its run, with its schedules and how it is reached', async () => {
    const queue = new JobQueue(new MemoryJobStore())
    const ops = new OpsServer({ queue, port: 0 })
    const runtime = new Runtime()
    const stop = new AbortController()
    const worker = new QueueWorker(queue).register('mail', () => {})
    const report = cron('0 2,14 * * *', () => {}, { timezone: 'Europe/Berlin' })
    const run = runAllWorkers(
      [
        { name: 'Ops', worker: ops },
        { name: 'Mails', worker },
        { name: 'Report', worker: report },
      ],
      stop.signal,
      { runtime, logger: pino({ level: 'silent' }) },
    )
    await runtime.ready()
    const forwarded = { headers: { 'x-forwarded-for': '10.0.0.7' } }
    expect((await fetch(`${ops.url}livez`, forwarded)).status).toBe(200)
    const answer = await fetch(`${ops.url}api/v1/doctor`)
    const { at, ageMs, findings } = (await answer.json()) as {
      at: string
      ageMs: number
      findings: { check: string }[]
    }
    expect(Date.parse(at)).toBeGreaterThan(0)
    expect(ageMs).toBeGreaterThanOrEqual(0)
    const found = Object.fromEntries(findings.map((finding) => [finding.check, finding]))
    expect(found).toMatchObject({
      'unhandled-kinds': { level: 'ok' },
      'cron-times': {
        level: 'warn',
        found: expect.stringContaining("/Report ('0 2,14 * * *' in Europe/Berlin) is ") as string,
      },
      token: { level: 'ok' },
      proxy: { level: 'warn', found: expect.stringContaining('x-forwarded-for') as string },
    })
    stop.abort()
    await run
  })
})
