import { execFileSync } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Database, openDatabase } from 'runutil/postgres'
import { VirtualClock } from 'runutil/testing'
import type { Clock } from '../../packages/runutil/src/core/clock.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PgConnection, watchClient } from '../../packages/runutil/src/postgres/database/pg-connection.ts'
import { StatementLimits } from '../../packages/runutil/src/postgres/database/statement-limits.ts'
import { type FreshDatabase, freshDatabase } from '../support/postgres/databases.ts'

const one = { text: 'select 1' }

/** Ends all other connections of a database while this process is held up, as one that is frozen. */
function freezeWhileConnectionsEnd(url: string): void {
  const program = `
    import pg from 'pg'
    const client = new pg.Client(process.argv[1])
    await client.connect()
    await client.query(\`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()\`)
    await client.end()
    // So that they have ended for long.
    await new Promise((resolve) => setTimeout(resolve, 1_000))`
  const cwd = fileURLToPath(new URL('../..', import.meta.url))
  execFileSync(process.execPath, ['--input-type=module', '--eval', program, url], { cwd })
}

describe('a process that was frozen while the server ended its idle connections', () => {
  let fresh: FreshDatabase
  let database: Database
  beforeAll(async () => {
    fresh = await freshDatabase()
    database = await openDatabase(fresh.url, { max: 3 })
  })
  afterAll(async () => {
    await database.close()
    await fresh.drop()
  })

  it.each<[string, () => Promise<unknown>]>([
    ['a statement', () => database.query(one)],
    ['a claim', () => database.query(one, [], { reserved: 'claims' })],
    ['a renewal', () => database.query(one, [], { reserved: 'renewals' })],
    ['a transaction', () => database.transaction(async (tx) => (await tx.query('select 1 as one')).rows)],
  ])('is answered to %s all the same', async (_, call) => {
    await Promise.all(Array.from({ length: 3 }, call))
    freezeWhileConnectionsEnd(fresh.url)
    const answers = await Promise.all(Array.from({ length: 3 }, call))
    expect(answers).toHaveLength(3)
  })
})

/** A connection that takes note of what it is asked. */
class ScriptedClient extends EventEmitter {
  readonly said: string[] = []
  silent = false
  async query({ text }: { text: string }): Promise<{ command: string; rows: [] }> {
    this.said.push(text)
    if (this.silent) await new Promise(() => {})
    return { command: 'SELECT', rows: [] }
  }
  release(): void {}
  async end(): Promise<void> {
    this.emit('end')
  }
}

describe('a connection', () => {
  const clock = new VirtualClock()
  const limits = new StatementLimits(clock)
  const taken = (client: ScriptedClient): PgConnection =>
    new PgConnection({ client, limits, clock, release: () => {} })
  const used = async (): Promise<ScriptedClient> => {
    const client = new ScriptedClient()
    watchClient(client, clock)
    await taken(client).query({ text: 'work' }, 30_000)
    return client
  }

  it('that is used now and then is used as it is', async () => {
    const client = await used()
    await clock.advance('10s')
    expect(await taken(client).isUsable()).toBe(true)
    expect(client.said).toEqual(['work'])
  })

  it('that was idle for long is asked first', async () => {
    const client = await used()
    await clock.advance('20s')
    expect(await taken(client).isUsable()).toBe(true)
    expect(client.said).toEqual(['work', 'select 1'])
  })

  it('that was idle for long and is silent is not used', async () => {
    const client = await used()
    await clock.advance('20s')
    client.silent = true
    const usable = taken(client).isUsable()
    await clock.advance('10s')
    expect(await usable).toBe(false)
  })

  it('of which nobody knows how long it was idle is asked first', async () => {
    const client = new ScriptedClient()
    const limits = new StatementLimits(clock)
    const connection = new PgConnection({ client, limits, clock, release: () => {} })
    expect(await connection.isUsable()).toBe(true)
    expect(client.said).toEqual(['select 1'])
  })
})

describe('the limit of a statement', () => {
  it('does not count time in which the process was held up', async () => {
    const clock = new VirtualClock()
    let late = 0
    // Timers fire as late as the clock is then.
    const held: Clock = {
      now: () => clock.now() + late,
      elapsed: () => clock.elapsed() + late,
      random: () => clock.random(),
      setTimeout: (callback, ms) => clock.setTimeout(callback, ms),
      setTimeoutAt(callback, at) {
        const timer = clock.setTimeoutAt(callback, at - late)
        return { clear: () => timer.clear(), restartAt: (then) => timer.restartAt(then - late) }
      },
    }
    const limits = new StatementLimits(held)
    const expired: string[] = []
    limits.begin(2_000, () => expired.push('one'))
    await clock.advance(100)
    late = 60_000
    await clock.advance(1_500)
    expect(expired).toEqual([])
    await clock.advance(3_000)
    expect(expired).toEqual(['one'])
    expect(clock.pending).toBe(0)
  })

  it('costs one timer for all of a database', () => {
    const clock = new VirtualClock()
    const limits = new StatementLimits(clock)
    const all = Array.from({ length: 100 }, () => limits.begin(30_000, () => {}))
    expect(clock.pending).toBe(1)
    for (const each of all) limits.end(each)
    for (let n = 0; n < 100; n++) limits.end(limits.begin(30_000, () => {}))
    expect(clock.pending).toBe(1)
  })
})
