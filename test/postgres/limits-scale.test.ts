import type { LeasedJob } from 'runutil/queue'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { jobStatements } from '../../packages/runutil/src/postgres/queue/job-statements.ts'
import { LimitedKind } from '../support/postgres/limited-kind.ts'

const DAY_MS = 86_400_000

/** What one claim of a limited kind costs, by the pages that it looks at. */
let kind: LimitedKind
beforeEach(async () => {
  kind = await LimitedKind.open()
})
afterEach(() => kind.close())

const busy = (length: number): string =>
  `select 'busy' || n as id, 'busy' as key, n as seq from generate_series(1, ${length}) as n`
const others = (length: number): string =>
  `select 'other' || n as id, 'k' || n as key, 1000000 + n as seq from generate_series(1, ${length}) as n`

const idsOf = (jobs: readonly LeasedJob[]): string[] => jobs.map(({ id }) => id)
const first = (length: number): string[] => Array.from({ length }, (_, at) => `other${at + 1}`)

describe('a claim of a kind with keyConcurrency', () => {
  it('costs as much beside 10,000 keys as beside 100, behind 2,000 jobs of a busy one', async () => {
    await kind.limitTo({ keyConcurrency: 1 })
    await kind.put(`${busy(2_001)} union all ${others(100)}`)
    expect(idsOf(await kind.store.claim(['a'], 1, '1h'))).toEqual(['busy1'])
    const few = await kind.pagesOfAClaim()
    await kind.put(
      `select 'more' || n as id, 'm' || n as key, 2000000 + n as seq from generate_series(1, 10000) as n`,
    )
    const many = await kind.pagesOfAClaim()
    expect(many).toBeLessThan(few + 100)
    expect(many).toBeLessThan(500)
    expect(idsOf(await kind.store.claim(['a'], 10, '1h'))).toEqual(first(10))
  })

  it('looks at a bounded number of pages behind 50,000 jobs of full keys, and reaches every other', async () => {
    await kind.limitTo({ keyConcurrency: 1 })
    const keyless = `select 'keyless' as id, null::text as key, 2000000 as seq`
    await kind.put(`${busy(50_000)} union all ${others(200)} union all ${keyless}`)
    expect(idsOf(await kind.store.claim(['a'], 1, '1h'))).toEqual(['busy1'])
    const reached = new Set<string>()
    for (let claims = 0; claims < 40 && reached.size < 201; claims++) {
      if (claims % 10 === 0) expect(await kind.pagesOfAClaim()).toBeLessThan(1_500)
      for (const id of idsOf(await kind.store.claim(['a'], 10, '1h'))) reached.add(id)
    }
    expect([...reached].sort()).toEqual([...first(200), 'keyless'].sort())
    expect(await kind.store.claim(['a'], 10, '1h')).toEqual([])
  })

  it.each([
    ['of the first keys alone where those have room', 0, 200],
    ['of a bounded number of keys where 5,000 are full', 5_000, 10_000],
    ['of as many where 20,000 are', 20_000, 10_000],
  ])('reads what runs %s', async (_, full, most) => {
    await kind.limitTo({ keyConcurrency: 2 })
    await kind.client.query(`insert into runutil.job_slots (id, claim, kind, key)
      select 'full' || n || '-' || m, 1, 'a', 'k' || n from generate_series(1, ${full}) as n, generate_series(1, 2) as m`)
    await kind.put(others(30_000))
    for (let claims = 0, got = 0; got < 10; claims++) {
      expect(claims).toBeLessThan(100)
      if (claims % 20 === 0) expect(await kind.readByAClaim('job_slots_by_kind')).toBeLessThan(most)
      if (claims % 20 === 1) expect(await kind.readByAClaim('jobs_waiting_due')).toBeLessThan(10_000)
      got = (await kind.store.claim(['a'], 10, '1h')).length
    }
  })

  it('gives one job of a key at most, wherever it finds them', async () => {
    await kind.limitTo({ keyConcurrency: 2 })
    const many = `select 'x' || n as id, 'k' || (n % 50) as key, 1000000 + n as seq from generate_series(1, 500) as n`
    await kind.put(`${busy(10_000)} union all ${many}`)
    const byKey = new Map<string, number>()
    for (let claims = 0; claims < 30; claims++) {
      for (const { key } of await kind.store.claim(['a'], 20, '1h'))
        byKey.set(key!, (byKey.get(key!) ?? 0) + 1)
    }
    expect(byKey.size).toBe(51)
    expect([...byKey.values()].every((count) => count === 2)).toBe(true)
  })
})

describe('a claim of a kind with a rate', () => {
  const starts = (length: number): string => `
    insert into runutil.job_starts (kind, upto, starts, at, kept_until, ahead, claim)
      select 'a', n, 1, now() - interval '10 min' + n * interval '1 ms', now() + interval '1 day', 0, n
      from generate_series(1, ${length}) as n`

  it.each([
    ['has room', 1_000_000, 10],
    ['is full', 100_000, 0],
  ])('costs as much with 100,000 starts in its window as with 1,000, where it %s', async (_, limit, gets) => {
    await kind.put(`select 'job' || n as id, null::text as key, n as seq from generate_series(1, 100) as n`)
    await kind.limitTo({ rate: { limit: gets === 0 ? 1_000 : limit, perMs: DAY_MS } })
    await kind.client.query(starts(1_000))
    const few = await kind.pagesOfAClaim()
    await kind.client.query('delete from runutil.job_starts')
    await kind.limitTo({ rate: { limit, perMs: DAY_MS } })
    await kind.client.query(starts(100_000))
    await kind.client.query('vacuum analyze runutil.job_starts')
    const many = await kind.pagesOfAClaim()
    expect(many).toBeLessThan(few + 20)
    expect(await claimRow(10)).toHaveLength(gets)
  })

  it('forgets starts that count no more', async () => {
    await kind.limitTo({ rate: { limit: 10, perMs: 1 } })
    await kind.put(`select 'job' || n as id, null::text as key, n as seq from generate_series(1, 100) as n`)
    await kind.client.query(starts(25_000).replace(`now() + interval '1 day'`, 'now()'))
    await kind.limitTo({ rate: { limit: 10, perMs: 1 } })
    const { rows } = await kind.client.query('select from runutil.job_starts')
    expect(rows).toHaveLength(0)
    expect(await claimRow(10)).toHaveLength(10)
  })

  it('takes back the starts of what would start too late, and no others', async () => {
    await kind.limitTo({ rate: { limit: 10, perMs: DAY_MS } })
    await kind.put(`select 'job' || n as id, null::text as key, n as seq from generate_series(1, 100) as n`)
    const one = await claimRow(3)
    const two = await claimRow(4)
    const three = await claimRow(2)
    expect(await claimRow(10)).toHaveLength(1)
    const ids = two.map(([id]) => id as string)
    const claim = String(two[0]![5])
    const params = [`{${ids.join()}}`, `{${claim}}`, '{}', false, 'jobs', null]
    await kind.database.query({ text: jobStatements('runutil').release.text }, params)
    expect(await claimRow(10)).toHaveLength(4)
    expect(one.length + three.length).toBe(5)
  })

  /** By its statement alone: on a slow machine, the store gives back what would start too late. */
  const claimRow = (limit: number): Promise<unknown[][]> =>
    kind.database.query({ text: jobStatements('runutil').claim.text }, [
      '{"a"}',
      limit,
      60_000,
      false,
      null,
      25,
      null,
      null,
      null,
      'jobs',
      null,
      null,
      null,
      true,
      null,
      true,
      null,
      0,
    ])
})
