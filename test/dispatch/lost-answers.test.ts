import { type Database, type Statement, PostgresActionLedger } from 'runutil/postgres'
import { ErrNoWorker, Manager, WorkerLostError } from 'runutil/dispatch'
import { beforeAll, describe, expect, it } from 'vitest'
import { StoreUnavailableError } from '../../packages/runutil/src/core/store-unavailable-error.ts'
import { Random } from '../chaos/random.ts'
import { capturedLogger, withLogger } from '../support/logs.ts'
import { failureOf, untilAbort } from '../support/outcome.ts'
import { eventually } from '../support/eventually.ts'
import { embeddedDatabase } from '../support/postgres/migrated-database.ts'

/** Whether the answer to a statement is lost. */
type Forgets = (text: string, params?: readonly unknown[]) => boolean

/** Does what it is asked and, now and then, loses the answer. */
class ForgetfulDatabase implements Database {
  readonly kind = 'pglite'
  readonly listens = true
  readonly #database: Database
  readonly #forgets: Forgets
  lost = 0

  constructor(database: Database, forgets: Forgets) {
    this.#database = database
    this.#forgets = forgets
  }

  async query<Row extends unknown[]>(statement: Statement, params?: readonly unknown[]): Promise<Row[]> {
    const rows = await this.#database.query<Row>(statement, params)
    if (!this.#forgets(statement.text, params)) return rows
    this.lost++
    throw new StoreUnavailableError('the answer was lost', { outcomeUnknown: true })
  }

  readonly transaction: Database['transaction'] = (body) => this.#database.transaction(body)
  readonly listen: Database['listen'] = (channel, callback) => this.#database.listen(channel, callback)
  readonly close = (): Promise<void> => this.#database.close()
  readonly [Symbol.asyncDispose] = this.close
}

const fresh = embeddedDatabase(beforeAll)

/** A manager whose ledger forgets, with a worker that says what it was given. */
async function running(operation: string, forgets: Forgets) {
  const forgetful = new ForgetfulDatabase(fresh.database, forgets)
  const manager = new Manager<number>({ operation, ledger: new PostgresActionLedger(forgetful) })
  const stop = new AbortController()
  const given: number[] = []
  const { logger, lines } = capturedLogger()
  const { run, registration } = withLogger(logger, () => ({
    run: manager.run(stop.signal),
    registration: manager.workers.register('host', 'target', ({ input }) => void given.push(input)),
  }))
  await registration.ready
  return {
    manager,
    given,
    forgetful,
    registration,
    lines,
    stop: async () => {
      stop.abort()
      await run
    },
  }
}

/** How many tasks nobody has taken. */
async function waiting(): Promise<number> {
  const text = 'select count(*)::int from runutil.worker_tasks where not taken'
  const [row] = await fresh.database.query<[number]>({ text })
  return row![0]
}

/** Forgets the first answer to a call of a function. */
function once(name: string): (text: string) => boolean {
  let forgotten = false
  return (text) => {
    if (forgotten || !text.includes(name)) return false
    return (forgotten = true)
  }
}

describe('an answer of the database that is lost', () => {
  it.each(['register_worker', 'take_task'])('to %s loses nothing', async (name) => {
    const { manager, given, forgetful, lines, stop } = await running(`lost ${name}`, once(name))
    const actions = await Promise.all([1, 2, 3].map((input) => manager.do('target', input).completed))
    expect(actions.map(({ status }) => status)).toEqual(['succeeded', 'succeeded', 'succeeded'])
    expect(given).toEqual([1, 2, 3])
    expect(forgetful.lost).toBe(1)
    expect(lines.map(({ level }) => level)).toEqual([40, 30])
    expect(lines[1]!.msg).toBe(lines[0]!.msg.replace(/^cannot (.*)$/, 'recovered: can $1 again'))
    await stop()
  })

  it('to a change of an action is asked for again', async () => {
    let changes = 0
    const { manager, given, stop } = await running(
      'changes',
      // The first writes the action, the second its end.
      (text) => text.includes('change_actions') && ++changes === 2,
    )
    expect((await manager.do('target', 1).completed).status).toBe('succeeded')
    expect(given).toEqual([1])
    await stop()
  })

  it('to the writing of an action is passed on: it may have been done', async () => {
    const { manager, given, stop } = await running('writing', once('change_actions'))
    expect(await failureOf(manager.do('target', 1))).toMatchObject({ outcomeUnknown: true })
    await manager.do('target', 2).completed
    expect(given).toEqual([1, 2])
    await stop()
  })

  it('to a withdrawal loses what waited, also when the worker comes back', async () => {
    let closes = 0
    const { manager, given, registration, stop } = await running(
      'waiting',
      // The first is that of the worker here, told to close and then to withdraw.
      (text) => text.includes('close_worker') && ++closes === 3,
    )
    const gate = new AbortController()
    await registration.close()
    const broken = new Error('it fell off')
    await manager.workers.register('host', 'target', async () => {
      await untilAbort(gate.signal)
      throw broken
    }).ready
    const first = manager.do('target', 1)
    const second = manager.do('target', 2)
    await first
    await eventually(async () => expect(await waiting()).toBe(1))
    gate.abort()
    expect(await failureOf(first.completed)).toBe(broken)
    await manager.workers.register('host', 'target', ({ input }) => void given.push(input)).ready
    expect(await failureOf(second.completed)).toBeInstanceOf(WorkerLostError)
    await manager.do('target', 3).completed
    expect(given).toEqual([3])
    await Promise.all([first, second])
    await stop()
  })

  it('to a withdrawal leaves no worker', async () => {
    const { manager, registration, stop } = await running('withdrawal', once('close_worker'))
    await registration.close()
    expect(await failureOf(manager.do('target', 1))).toBeInstanceOf(ErrNoWorker)
    await stop()
  })

  it('again and again loses and repeats no task', async () => {
    const random = new Random(5)
    const { manager, given, forgetful, stop } = await running(
      'again and again',
      // The caller of `do` is told when the answer to the writing of an action is lost.
      (_, params = []) => !String(params[0]).includes('"kind":"dispatch"') && random.between(1, 4) === 1,
    )
    const all = Array.from({ length: 30 }, (_, input) => input)
    const calls = all.map((input) => untilFound(() => manager.do('target', input).completed))
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(all.map(() => 'succeeded'))
    expect([...given].sort((a, b) => a - b)).toEqual(all)
    expect(forgetful.lost).toBeGreaterThan(10)
    await stop()
  })
})

/** Whoever can't be found has been written to nowhere. */
async function untilFound<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error
    }
  }
}
