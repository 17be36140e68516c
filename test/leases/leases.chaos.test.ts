import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Database, migrate, openDatabase } from 'runutil/postgres'
import { expect, it } from 'vitest'
import { Random } from '../chaos/random.ts'
import { PostgresServer } from '../support/postgres/server.ts'
import { StallMeter } from '../support/stall-meter.ts'

const SECONDS = Number(process.env['LEASE_CHAOS_SECONDS'] ?? 6)
const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const PROCESSES = 5
const LEASE_MS = 2_000
const EVERY_MS = 500
/** Tolerance for the rounding of times to ms. */
const SLACK_MS = 1

const program = fileURLToPath(new URL('programs/leaseholder.mjs', import.meta.url))

/** Records each change of a lease in the database. */
const TABLES = `
  create table audit (id bigserial primary key, name text, fence bigint, expires timestamptz, at timestamptz);
  create function audit() returns trigger language plpgsql as $$ begin
    insert into public.audit (name, fence, expires, at) values (new.name, new.fence, new.expires, clock_timestamp());
    return new;
  end $$;
  create trigger audit after insert or update on runutil.leases for each row execute function audit();
  create table fences (name text primary key, fence bigint not null);
  insert into fences values ('one', 0), ('tick', 0);
  create table beats (
    id bigserial primary key, name text, fence bigint, process text, accepted boolean, at timestamptz default clock_timestamp()
  )`

interface Change {
  readonly fence: number
  readonly expires: number | null
  readonly at: number
}

interface Down {
  readonly from: number
  readonly to: number
}

/** Five processes, of which some are always running, and the faults injected into them. */
class Processes {
  readonly #url: string
  readonly #random: Random
  readonly #processes: ChildProcess[] = []
  readonly #frozen = new Set<ChildProcess>()
  readonly counts = { kills: 0, freezes: 0, restarts: 0 }
  #started = 0

  constructor(url: string, random: Random) {
    this.#url = url
    this.#random = random
  }

  async startAll(): Promise<void> {
    this.#processes.push(...(await Promise.all(Array.from({ length: PROCESSES }, () => this.#start()))))
  }

  async #start(): Promise<ChildProcess> {
    const args = [program, this.#url, `${++this.#started}`]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
    return child
  }

  async kill(): Promise<void> {
    const at = this.#random.between(0, PROCESSES - 1)
    this.#processes[at]!.kill('SIGKILL')
    this.#frozen.delete(this.#processes[at]!)
    this.#processes[at] = await this.#start()
    this.counts.kills++
  }

  /** Suspends a process for longer than its lease. */
  freeze(): void {
    const child = this.#random.pick(this.#processes)
    if (this.#frozen.size >= 2 || this.#frozen.has(child)) return
    this.#frozen.add(child)
    child.kill('SIGSTOP')
    void after(1.5 * LEASE_MS).then(() => {
      child.kill('SIGCONT')
      this.#frozen.delete(child)
    })
    this.counts.freezes++
  }

  /** @returns their exit codes */
  async stop(): Promise<unknown[]> {
    return Promise.all(
      this.#processes.map(async (child) => {
        const exit = once(child, 'exit')
        child.kill('SIGCONT')
        child.kill('SIGTERM')
        return (await exit)[0] as unknown
      }),
    )
  }
}

it(
  'leases have one holder at a time and are taken over in time, despite kills, suspensions and restarts',
  { timeout: (SECONDS + 180) * 1_000 },
  async () => {
    const server = await PostgresServer.start()
    const url = await server.createDatabase()
    const prepared = await openDatabase(url)
    await migrate(prepared)
    for (const text of TABLES.split(/;\n {2}(?=create|insert)/)) await prepared.query({ text })
    await prepared.close()

    const stalls = new StallMeter()
    console.log(`seed ${SEED}`)
    const random = new Random(SEED)
    const processes = new Processes(url, random)
    const downs: Down[] = []
    await processes.startAll()
    for (const end = Date.now() + SECONDS * 1_000; Date.now() < end; await after(random.between(100, 900))) {
      const chance = random.next()
      if (chance < 0.55) await processes.kill()
      else if (chance < 0.9) processes.freeze()
      else {
        const from = Date.now()
        await server.restart(random.pick(['fast', 'immediate']))
        downs.push({ from, to: Date.now() })
        processes.counts.restarts++
      }
    }
    // Lets the processes suspended last detect that they have lost their leases.
    await after(2 * LEASE_MS)
    const codes = await processes.stop()

    const database = await openDatabase(url)
    const one = await changesOf(database, 'one')
    const tick = await changesOf(database, 'tick')
    const report = {
      ...processes.counts,
      seed: SEED,
      turns: takings(one).length,
      ticks: takings(tick).length,
    }
    console.log(
      JSON.stringify({
        ...report,
        gapMs: Math.round(longestGap(one, downs)),
        stallMs: Math.round(stalls.longestMs),
        ...(await beatsOf(database)),
      }),
    )
    expect(codes).toEqual(codes.map(() => 0))
    for (const changes of [one, tick]) {
      expect(takenTooEarly(changes)).toEqual([])
      expect(changes.at(-1)!.expires).toBe(null)
    }
    expect(startedTooEarly(tick)).toEqual([])
    // A busy machine delays several steps in a row.
    expect(longestGap(one, downs)).toBeLessThan(2_000 + 4 * stalls.longestMs)
    stalls.stop()
    expect(report.turns).toBeGreaterThan(0)
    expect(await acceptedOutOfOrder(database)).toEqual([])
    await database.close()
    await server.stop()
  },
)

async function changesOf(database: Database, name: string): Promise<Change[]> {
  const ms = (column: string): string => `date_part('epoch', ${column}) * 1000`
  const text = `select fence::float8, ${ms('expires')}, ${ms('at')} from audit where name = $1 order by id`
  const rows = await database.query<[number, number | null, number]>({ text }, [name])
  return rows.map(([fence, expires, at]) => ({ fence, expires, at }))
}

/** The acquisitions, each with the change before it. */
function takings(changes: readonly Change[]): { before: Change; taking: Change }[] {
  return changes.flatMap((taking, at) => {
    const before = changes[at - 1]
    return before !== undefined && taking.fence !== before.fence ? [{ before, taking }] : []
  })
}

/** Acquisitions while another process held the lease, or whose fence isn't the next. */
function takenTooEarly(changes: readonly Change[]): unknown[] {
  return takings(changes).filter(
    ({ before, taking }) =>
      taking.fence !== before.fence + 1 || (before.expires !== null && before.expires > taking.at),
  )
}

/** Runs that began less than an interval after one that was not interrupted by a crash. */
function startedTooEarly(changes: readonly Change[]): unknown[] {
  const all = takings(changes)
  return all.filter(({ before, taking }, at) => {
    const last = all[at - 1]?.taking
    return (
      last !== undefined && before.expires === null && startOf(taking) - startOf(last) < EVERY_MS - SLACK_MS
    )
  })
}

/** The start by the database's clock, which is recorded slightly later. */
function startOf({ expires }: Change): number {
  return expires! - LEASE_MS
}

/** The longest time from the release or expiry of a lease until its acquisition, minus the server's downtime. */
function longestGap(changes: readonly Change[], downs: readonly Down[]): number {
  const gaps = takings(changes).map(({ before, taking }) => {
    const from = before.expires ?? before.at
    const down = downs.map((one) => Math.max(0, Math.min(one.to, taking.at) - Math.max(one.from, from)))
    return taking.at - from - down.reduce((sum, ms) => sum + ms, 0)
  })
  return Math.max(...gaps)
}

async function acceptedOutOfOrder(database: Database): Promise<unknown[]> {
  const text = `select * from (
      select id, fence, max(fence) over (partition by name order by id) as highest from beats where accepted
    ) as seen where fence < highest`
  return database.query({ text })
}

/** Late beats are writes of a suspended process that had not yet detected the loss of its lease. */
async function beatsOf(database: Database): Promise<{ beats: number; late: number }> {
  const text = 'select count(*)::int, count(*) filter (where not accepted)::int from beats'
  const [[beats, late]] = (await database.query({ text })) as [[number, number]]
  return { beats, late }
}
