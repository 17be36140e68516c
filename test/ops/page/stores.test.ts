import pg from 'pg'
import {
  type Database,
  PostgresJobStore,
  PostgresReplicaStore,
  migrate,
  openDatabase,
} from 'runutil/postgres'
import { JobQueue } from 'runutil/queue'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Child } from '../../support/child.ts'
import { whyNoBrowser } from '../../support/ops/page/chromium.ts'
import { ShownService } from '../../support/ops/page/shown-service.ts'
import { TestBrowser } from '../../support/ops/page/test-browser.ts'
import { type FreshDatabase, freshDatabase } from '../../support/postgres/databases.ts'
import { TcpProxy } from '../../support/postgres/tcp-proxy.ts'

/** RUNUTIL_PAGE_JOBS=1000000 tries a large queue. */
const JOBS = Number(process.env['RUNUTIL_PAGE_JOBS'] ?? 100_000)
/** A limit for a view that waits for a count of all jobs, also on a machine that is busy with something else. */
const AT_ONCE_MS = 15_000
/** What the browser itself writes of answers that are errors, or don't come. */
const FAILED = /Failed to load resource|ERR_/

describe.skipIf(whyNoBrowser !== undefined)('the page of a service on PostgreSQL', () => {
  let browser: TestBrowser
  let fresh: FreshDatabase
  let proxy: TcpProxy
  let database: Database
  let client: pg.Client
  let other: Child
  let service: ShownService
  beforeAll(async () => {
    fresh = await freshDatabase()
    proxy = await TcpProxy.start(fresh.url)
    database = await openDatabase(proxy.urlOf(fresh.url))
    await migrate(database)
    other = new Child('ops/programs/page-process', fresh.url)
    client = new pg.Client(fresh.url)
    await client.connect()
    const launching = TestBrowser.launch()
    await storeJobs(client)
    const queue = new JobQueue(new PostgresJobStore(database))
    service = new ShownService(Date.now(), { queue, replicas: new PostgresReplicaStore(database) })
    await service.start([])
    service.tick()
    browser = await launching
    await other.printed('serves')
  })
  afterEach(async () => expect(await browser.endVisits()).toEqual([]))
  afterAll(async () => {
    other.kill('SIGKILL')
    await Promise.all([service[Symbol.asyncDispose](), browser.close(), other.exit, client.end()])
    await database.close()
    await proxy.stop()
    await fresh.drop()
  })

  it.each([
    ['?view=queue', 'Jobs'],
    ['?view=queue&status=FAILED', 'Jobs'],
    ['?view=queue&status=WAITING&kind=mail', 'Jobs'],
    ['?view=tree', 'Workers'],
    ['?view=replicas', 'Replicas'],
  ])(`shows ${JOBS} jobs at once: %s`, async (search, label) => {
    const times: number[] = []
    await expect
      .poll(async () => {
        const begin = performance.now()
        const page = await browser.visit(`${service.url}${search}`)
        await page.getByLabel(label, { exact: true }).getByRole('row').nth(1).waitFor()
        const ms = performance.now() - begin
        times.push(ms)
        await page.close()
        return ms
      })
      .toBeLessThan(AT_ONCE_MS)
    if (JOBS > 100_000) console.log(search, times.map(Math.round))
  })

  it('says that what is shown is old while the database is away, goes on with the rest, and is up to date again', async () => {
    const page = await browser.visit(`${service.url}?view=queue`, { expected: FAILED })
    await page.getByLabel('Kinds of jobs').waitFor()
    const isOld = async (): Promise<boolean> => (await page.getByText(/not up to date/).count()) > 0
    proxy.refuse()
    proxy.cut()
    // Younger ones count as what goes on now.
    await service.clock.advance('20s')
    await expect.poll(isOld).toBe(true)
    expect(await page.getByLabel('Kinds of jobs').getByText('mail').count()).toBe(1)
    expect(await page.getByText('live', { exact: true }).count()).toBe(1)
    const newcomer = await browser.visit(`${service.url}?view=queue`, { expected: FAILED })
    await newcomer
      .getByText(/not up to date/)
      .or(newcomer.getByRole('alert'))
      .first()
      .waitFor()
    proxy.resume()
    // The next try comes after a pause, and may still meet a connection that was cut.
    const isOldAfterAMinute = async (): Promise<boolean> => {
      await service.clock.advance('1m')
      return isOld()
    }
    await expect.poll(isOldAfterAMinute, { interval: 1_000 }).toBe(false)
    await newcomer.getByLabel('Kinds of jobs').waitFor()
  })

  it('tells a process that was killed, in the pages of the others and in its own', async () => {
    const served = other.printedLines.find((line) => line.startsWith('serves'))!.slice('serves '.length)
    const own = await browser.visit(served, { expected: FAILED })
    await own.getByText('live', { exact: true }).waitFor()
    const { rows } = await client.query<{ id: string }>(
      `select id from runutil.replicas where state::text like '%OnlyThere%'`,
    )
    const page = await browser.visit(`${service.url}?view=tree&replica=${rows[0]!.id}`)
    await page.getByRole('row', { name: /OnlyThere/ }).waitFor()

    other.kill('SIGKILL')
    await own.getByText(/connection lost/).waitFor()
    expect(await own.getByRole('row', { name: /OnlyThere/ }).count()).toBe(1)
    await client.query(`update runutil.replicas set seen = seen - interval '20 s' where id = $1`, [
      rows[0]!.id,
    ])
    await page.getByText(/the last that is known of this process is from/).waitFor()
    expect(await page.getByRole('row', { name: /OnlyThere/ }).count()).toBe(1)
    await page.getByRole('link', { name: 'Replicas' }).click()
    await page.getByRole('row', { name: /lost/ }).waitFor()
  })
})

/** Of two kinds: most are done, some wait, and some have failed. */
async function storeJobs(client: pg.Client): Promise<void> {
  await client.query(
    `insert into runutil.jobs (id, kind, payload, run_at, priority, created_at, updated_at, seq, status, last_error)
      select 'job-' || n, case when n % 3 = 0 then 'charge' else 'mail' end, '{}', at, 0, at, at, n::bigint * 1024, status,
        case when status = 'FAILED' then 'the card was declined' end
      from generate_series(1, $1::integer) as n,
        lateral (select now() - ($1 - n) * interval '10 ms' as at,
          case when n % 10 = 0 then 'FAILED' when n % 10 < 4 then 'PENDING' else 'DONE' end as status) as made`,
    [JOBS],
  )
  await client.query(`insert into runutil.jobs_waiting (id, kind, run_at, due, priority, seq)
    select id, kind, run_at, true, priority, seq from runutil.jobs where status = 'PENDING'`)
  await client.query(
    `select runutil.record_failures(array(select id from runutil.jobs where status = 'FAILED'))`,
  )
  await client.query('vacuum analyze runutil.jobs, runutil.jobs_waiting, runutil.job_failures')
}
