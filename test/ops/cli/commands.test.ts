import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Runtime,
  backoff,
  healthCheckpoint,
  repeat,
  reportProgress,
  runAllWorkers,
  wait,
  workerReady,
} from 'runutil'
import { OpsServer } from 'runutil/ops'
import { JobQueue, MemoryJobStore, QueueWorker } from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { widthOf } from '../../../packages/runutil/src/ops/cli/text/width.ts'
import { failureOf } from '../../support/outcome.ts'
import { capturedLogger } from '../../support/logs.ts'
import { runCommand } from '../../support/ops/test-terminal.ts'

const CLEAR = '\u001b[2J'

/** A program with a queue and workers of several kinds, seen through the command. */
const queue = new JobQueue(new MemoryJobStore())
const ops = new OpsServer({ port: 0, queue, token: 'secret' })
const stop = new AbortController()
const runtime = new Runtime()
let run: Promise<void>
let runs = 0

beforeAll(async () => {
  const jobs = new QueueWorker(queue).register('mail', ({ payload }) => {
    if ((payload as { to: string }).to === 'nobody') throw new Error(`no such ${CLEAR}\nmailbox`)
  })
  jobs.register('idle', () => {})
  const busy = async (signal: AbortSignal): Promise<void> => {
    workerReady()
    reportProgress(3, 4, 'row 3')
    await wait('365d', signal)
  }
  const stuck = async (signal: AbortSignal): Promise<void> => {
    healthCheckpoint(new Error('no database'))
    await wait('365d', signal)
  }
  const workers = [
    { name: 'Stuck', worker: stuck },
    { name: 'Jobs', worker: jobs },
    { name: 'Tidy', worker: repeat('1h', () => void runs++) },
    {
      name: 'Broken',
      worker: repeat('1h', () => Promise.reject(new Error('disk full'))),
      retry: backoff('1s'),
    },
    { name: 'Busy', worker: repeat('1h', busy, { startImmediately: true }) },
    { name: 'Ops', worker: ops },
  ]
  run = runAllWorkers(workers, stop.signal, { logger: capturedLogger().logger, runtime })
  await runtime.ready('/Ops')
  await queue.enqueue([
    { id: 'mail/1', kind: 'mail', payload: { to: 'ada' } },
    { id: 'mail/2', kind: 'mail', payload: { to: 'nobody' } },
    { id: 'later', kind: 'mail', payload: { to: 'bo' }, runAt: new Date('2100-01-01'), key: 'bo' },
  ])
  await queue.result('mail/1')
  await failureOf(queue.result('mail/2'))
})
afterAll(async () => {
  stop.abort()
  await run
})

type Props = NonNullable<Parameters<typeof runCommand>[1]>

/** As an operator who may change things. */
function runutil(argv: readonly string[], props: Props = {}) {
  const env = { RUNUTIL_URL: ops.url!, RUNUTIL_OPS_TOKEN: 'secret', ...props.env }
  return runCommand(argv, { ...props, env })
}

describe('what is seen', () => {
  test('ps shows the tree with states, restarts and progress', async () => {
    const { code, out, err } = await runutil(['ps'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const lines = out.split('\n')
    expect(lines[0]).toMatch(/^process \S+: .*ready, of which 1 firing; memory [\d.,]+ [MG]iB/)
    expect(lines[1]).toMatch(/^WORKER +KIND +STATE +HEALTH +FOR +RESTARTS +PROGRESS$/)
    expect(lines.find((line) => line.includes('Jobs'))).toMatch(/^ {2}Jobs +queue +ready +\S+ \S+ +0$/)
    expect(lines.filter((line) => line.includes('firing'))).toEqual([
      lines[0],
      expect.stringMatching(/^ {2}Stuck +worker +ready +firing /),
    ])
    expect(lines.find((line) => line.includes('Busy'))).toContain('████████░░ 75 %, row 3')
  })

  test('kinds shows counts', async () => {
    const { out } = await runutil(['kinds'])
    const [titles, row] = out.split('\n')
    expect(titles!.split(/ {2,}/).slice(0, 2)).toEqual(['KIND', 'DUE'])
    expect(row).toMatch(/^mail +0 +1 +0 +0 +1 /)
  })

  test.for([
    [['--status', 'failed'], ['mail/2']],
    [['--kind', 'mail', '--status', 'pending'], ['later']],
    [['--key', 'bo'], ['later']],
    [['--id-prefix', 'mail/', '--status', 'done', '--ended-since', '1h'], ['mail/1']],
    [['--error', 'no such', '--kind', 'mail'], ['mail/2']],
    [['--ended-until', '2020-01-01', '--status', 'failed'], []],
    [['--due-since', '2090-01-01T00:00:00Z'], ['later']],
  ] as const)('jobs %j finds %j', async ([options, ids]) => {
    const { out, code } = await runutil(['jobs', ...options, '--json'])
    expect(code).toBe(0)
    expect((JSON.parse(out) as { jobs: { id: string }[] }).jobs.map(({ id }) => id)).toEqual(ids)
  })

  test('jobs shows a page, and how the next one is asked for', async () => {
    const first = await runutil(['jobs', '--limit', '1', '--kind', 'mail'])
    const after = /^more: --after (\S+)$/m.exec(first.out)![1]!
    const second = await runutil([
      'jobs',
      '--limit',
      '1',
      '--kind',
      'mail',
      '--after',
      after.replaceAll("'", ''),
    ])
    expect(second.code).toBe(0)
    expect(second.out.split('\n')[1]).not.toBe(first.out.split('\n')[1])
  })

  test('job shows all of a job, its error on as many lines as it has', async () => {
    const { out } = await runutil(['job', 'mail/2'])
    expect(out).toMatch(/^job +mail\/2\nkind +mail\nstatus +FAILED$/m)
    expect(out).toMatch(/^attempt 1 failed .*(?: ago|now):\n {2}.*no such \\x1b\[2J\n {2}mailbox$/m)
    expect(out).toMatch(/^payload:\n {2}\{\n {4}"to": "nobody"\n {2}\}$/m)
  })

  test('control characters never reach the terminal', async () => {
    for (const argv of [['jobs'], ['job', 'mail/2'], ['ps'], ['job', CLEAR]]) {
      const { out, err } = await runutil(argv, { env: { NO_COLOR: '1' }, size: [80, 24] })
      expect(out + err).not.toContain('\u001b')
    }
  })

  test.for([80, 200])('tables fit a terminal of %i columns', async (columns) => {
    const { out } = await runutil(['jobs'], { env: { NO_COLOR: '1' }, size: [columns, 24] })
    expect(Math.max(...out.split('\n').map(widthOf))).toBeLessThanOrEqual(columns)
    expect(out).toContain('no such')
  })

  test('there are colours on a terminal, but not in a pipe or with NO_COLOR', async () => {
    const has = async (props: Props): Promise<boolean> =>
      (await runutil(['ps'], props)).out.includes('\u001b[')
    expect(await has({ size: [80, 24] })).toBe(true)
    expect(await has({ size: [80, 24], env: { NO_COLOR: '1' } })).toBe(false)
    expect(await has({})).toBe(false)
  })

  test.for(['ps', 'kinds', 'jobs', 'doctor'])('%s --json prints what the API answers', async (name) => {
    const { out } = await runutil([name, '--json'])
    expect(Object.keys(JSON.parse(out) as object)).toContain('at')
  })

  test('doctor tells once what several checks have found', async () => {
    const store = new MemoryJobStore()
    store.unhandledKinds = store.paused = () => Promise.reject(new Error('the database is away'))
    const other = new OpsServer({ port: 0, queue: new JobQueue(store), token: 'secret' })
    const end = new AbortController()
    const otherRuntime = new Runtime()
    const running = runAllWorkers([other], end.signal, {
      logger: capturedLogger().logger,
      runtime: otherRuntime,
    })
    await otherRuntime.ready()
    const { out } = await runutil(['doctor'], { env: { RUNUTIL_URL: other.url! } })
    end.abort()
    await running
    expect(out.match(/the database is away/g)).toHaveLength(1)
    expect(out).toMatch(/^warn +paused-kinds +the same$/m)
  })

  test('doctor prints its findings, the worst first, and is 1 only if one fails', async () => {
    const { code, out } = await runutil(['doctor'])
    const levels = [...out.matchAll(/^(fail|warn|ok) /gm)].map(([, level]) => level!)
    expect(levels).toEqual(
      [...levels].sort((a, b) => ['fail', 'warn', 'ok'].indexOf(a) - ['fail', 'warn', 'ok'].indexOf(b)),
    )
    expect(code).toBe(levels.includes('fail') ? 1 : 0)
  })
})

describe('what is changed', () => {
  test('retry and cancel of a job', async () => {
    expect(await runutil(['retry', 'mail/2'])).toEqual({ code: 0, out: 'retried mail/2\n', err: '' })
    await failureOf(queue.result('mail/2'))
    const again = await runutil(['cancel', 'mail/2'])
    expect(again.code).toBe(1)
    expect(again.err).toMatch(/^runutil: .+\n$/)
  })

  test('retry of all that match asks on a terminal, with their count', async () => {
    const argv = ['retry', '--status', 'failed', '--kind', 'mail']
    const no = await runutil(argv, { size: [80, 24], answer: 'n\n' })
    expect(no).toMatchObject({ code: 1, out: 'nothing was changed\n' })
    expect(no.err).toContain('retry 1 job? [y/N]')
    const yes = await runutil(argv, { size: [80, 24], answer: 'y\n' })
    expect(yes).toMatchObject({ code: 0, out: 'retried 1 job\n' })
    await failureOf(queue.result('mail/2'))
  })

  test('without a terminal it takes --yes', async () => {
    const argv = ['retry', '--status', 'failed', '--kind', 'mail']
    const refused = await runutil(argv)
    expect(refused.code).toBe(2)
    expect(refused.err).toContain('--yes')
    expect(await runutil([...argv, '--yes'])).toMatchObject({ code: 0, out: 'retried 1 job\n' })
    await failureOf(queue.result('mail/2'))
  })

  test('a name that begins with a slash is a worker, another one a kind', async () => {
    expect((await runutil(['pause', '/Tidy'])).out).toBe('pause of /Tidy: done, it is paused\n')
    expect(runtime.get('/Tidy')!.state).toBe('paused')
    expect((await runutil(['resume', '/Tidy'])).out).toBe('resume of /Tidy: done, it is ready\n')
    expect((await runutil(['pause', 'mail'])).out).toBe('pause of the kind mail: done\n')
    expect((await queue.stats())[0]!.paused).toBe(true)
    expect((await runutil(['kinds'])).out).toMatch(/^mail +paused /m)
    expect((await runutil(['resume', 'mail'])).code).toBe(0)
    expect((await runutil(['kinds'])).out).not.toMatch(/^mail +paused /m)
  })

  test.for([
    ['mial', /^pause of the kind mial: done\nwarning: no job of the kind mial .*did you mean 'mail'\?\n$/],
    ['Tidy', /^pause of the kind Tidy: done\nwarning: .*did you mean '\/Tidy'\?\n$/],
    ['unheard-of', /^pause of the kind unheard-of: done\nwarning: .* have it\n$/],
  ] as const)('pause of the kind %s, which nobody has, warns', async ([kind, text]) => {
    const { code, out } = await runutil(['pause', kind])
    expect(code).toBe(0)
    expect(out).toMatch(text)
    expect((await runutil(['resume', kind])).out).toBe(`resume of the kind ${kind}: done\n`)
  })

  test('a kind that only a worker has, and no job, is no stranger', async () => {
    expect((await runutil(['pause', 'idle'])).out).toBe('pause of the kind idle: done\n')
    expect((await runutil(['resume', 'idle'])).code).toBe(0)
  })

  test('jobs that failed lead to those that are PANIC', async () => {
    const note = 'others are PANIC, which the kinds count as failed too: --status panic'
    expect((await runutil(['jobs', '--status', 'failed'])).out).not.toContain(note)
    await queue.enqueue({ id: 'odd', kind: 'mail', payload: null })
    await failureOf(queue.result('odd'))
    expect((await runutil(['jobs', '--status', 'failed', '--id-prefix', 'odd'])).out).toBe(
      `no job matches\n${note}\n`,
    )
    expect((await runutil(['jobs', '--status', 'panic'])).out).toContain('odd')
    await queue.delete('odd')
  })

  test('trigger waits for the run, and is 1 if that fails', async () => {
    expect(await runutil(['trigger', '/Tidy'])).toEqual({
      code: 0,
      out: 'trigger of /Tidy: the run is done\n',
      err: '',
    })
    expect(runs).toBe(1)
    const { code, err } = await runutil(['trigger', '/Broken'])
    expect({ code, err }).toEqual({
      code: 1,
      err: 'runutil: trigger of /Broken: the run failed: disk full\n',
    })
  })

  test('restart', async () => {
    expect((await runutil(['restart', '/Tidy'])).code).toBe(0)
  })
})

describe('what goes wrong is told on one line of stderr', () => {
  const elsewhere = { RUNUTIL_URL: 'http://127.0.0.1:1/' }
  test.for([
    ['nothing answers', 1, ['ps'], /no answer from http:\/\/127\.0\.0\.1:1\/: .*--url/, elsewhere],
    ['there is no token', 1, ['pause', 'mail'], /--token/, { RUNUTIL_OPS_TOKEN: '' }],
    ['the token is wrong', 1, ['pause', 'mail'], /token/, { RUNUTIL_OPS_TOKEN: 'wrong' }],
    ['there is no such job', 1, ['job', 'nope'], /there is no job 'nope'/, {}],
    ['there is no such worker', 1, ['restart', '/Nope'], /'\/Nope'/, {}],
    ['a command is unknown', 2, ['pss'], /unknown command 'pss'/, {}],
    ['an option is unknown', 2, ['jobs', '--kin', 'x'], /unknown option '--kin'.*--kind/s, {}],
    ['an argument is missing', 2, ['job'], /missing required argument 'id'/, {}],
    ['an argument is too much', 2, ['kinds', 'mail'], /too many arguments/, {}],
    ['the API calls it a bad request', 2, ['jobs', '--limit', 'x'], /limit/, {}],
    ['an error needs more', 2, ['jobs', '--error', 'x'], /--error: expected a kind.*--created-since/, {}],
    ['done needs a time', 2, ['jobs', '--status', 'done'], /--status done: .*--ended-since/, {}],
    ['a time is none', 2, ['jobs', '--due-since', 'soon'], /--due-since: expected a time/, {}],
    ['an address is none', 2, ['ps', '--url', 'localhost:8090'], /--url: expected an address/, {}],
    ['a token has spaces', 2, ['ps', '--token', 'my secret'], /--token: expected ASCII/, {}],
    ['nothing is said to be retried', 2, ['retry'], /expected the id of a job, or options/, {}],
    ['too much is said to be retried', 2, ['retry', 'x', '--kind', 'y'], /got both/, {}],
    ['a path has no slash', 2, ['trigger', 'Tidy'], /such as '\/Tidy'/, {}],
    ['a payload is no JSON', 2, ['enqueue', 'mail', '{to}'], /payload: expected JSON/, {}],
    ['no database is named', 2, ['migrate'], /--database/, {}],
    ['a database is none', 2, ['migrate', '--database', 'mysql://x'], /begins with mysql:/, {}],
    ['a folder is missing', 2, ['doctor', '--database', 'file:/nowhere/x'], /no folder '\/nowhere\/x'/, {}],
    ['an id is empty', 2, ['job', ''], /id: expected one that an address can have; got ''/, {}],
    ['an id is a step up', 2, ['cancel', '..'], /id: expected one/, {}],
    ['a kind is empty', 2, ['pause', ''], /kind: expected one/, {}],
    ['a kind is a step up', 2, ['resume', '..'], /kind: expected one/, {}],
    ['a path is a slash', 2, ['pause', '/'], /such as '\/Mail'/, {}],
    [
      'a path leads elsewhere',
      1,
      ['pause', '/../kinds/mail'],
      /no worker has the path '\/..\/kinds\/mail'/,
      {},
    ],
    ['a pattern is none', 2, ['cron', '61 * * * *'], /expected a cron pattern/, {}],
    [
      'a zone is none',
      2,
      ['cron', '0 6 * * *', '--zone', 'Europe/Berln'],
      /did you mean 'Europe\/Berlin'/,
      {},
    ],
  ] as const)('%s', async ([, code, argv, message, env]) => {
    const ended = await runutil(argv, { env })
    expect({ code: ended.code, out: ended.out }).toEqual({ code, out: '' })
    expect(ended.err).toMatch(message)
    expect(ended.err).toMatch(/^runutil: /)
    expect(ended.err).not.toMatch(/my secret|\n {4}at /)
  })

  test('help is 0, no command at all is 2', async () => {
    expect((await runutil(['--help'])).out).toContain('Usage: runutil')
    expect((await runutil(['jobs', '--help'])).code).toBe(0)
    expect((await runutil([])).code).toBe(2)
  })
})

describe('what needs no process', () => {
  test('cron shows the next times, and warns of clock changes', async () => {
    const clock = new VirtualClock({ now: Date.parse('2030-03-29T12:00:00Z') })
    const { out } = await runCommand(['cron', '0,30 2 * * *', '--zone', 'Europe/Berlin', '--count', '3'], {
      clock,
    })
    expect(out.split('\n')).toEqual([
      'EUROPE/BERLIN            UTC                       WHEN',
      expect.stringMatching(/^Sat 2030-03-30 02:00:00 {2}2030-03-30T01:00:00\.000Z {2}in 13 h$/),
      expect.stringMatching(/^Sat 2030-03-30 02:30:00 /),
      expect.stringMatching(/^Mon 2030-04-01 02:00:00 /),
      'warning: skipped when the clocks change on Sun 2030-03-31 03:00:00',
      'warning: doubled when the clocks change on Sun 2030-10-27 02:00:00',
      'warning: skipped when the clocks change on Sun 2031-03-30 03:00:00',
      '',
    ])
  })

  test('migrate, enqueue and doctor open a database themselves', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'runutil-cli-'))
    try {
      const database = ['--database', `file:${join(folder, 'db')}?durable=off`]
      expect(await runCommand(['migrate', ...database])).toEqual({ code: 0, out: 'migrated\n', err: '' })
      const enqueue = ['enqueue', 'mail', '{"to":"ada"}', '--id', 'a', '--delay', '1h', '--priority', '7']
      expect(await runCommand([...enqueue, ...database])).toEqual({ code: 0, out: 'stored a\n', err: '' })
      const again = await runCommand([...enqueue, ...database])
      expect(again).toMatchObject({ code: 1, out: '' })
      const skipped = await runCommand([...enqueue, '--on-exists', 'skip', '--json', ...database])
      expect(JSON.parse(skipped.out)).toEqual({ id: 'a', outcome: 'skipped' })
      expect((await runCommand([...enqueue, '--on-exists', 'maybe', ...database])).code).toBe(2)
      const { out } = await runCommand(['doctor', '--json', ...database])
      const { findings } = JSON.parse(out) as { findings: { check: string; level: string }[] }
      expect(findings.find(({ check }) => check === 'schema')).toMatchObject({ level: 'ok' })
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
