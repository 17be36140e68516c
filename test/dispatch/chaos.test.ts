import { setTimeout as after } from 'node:timers/promises'
import { type Action, ErrNoWorker, Manager } from 'runutil/dispatch'
import { PostgresActionLedger, migrate, openDatabase } from 'runutil/postgres'
import { expect, it } from 'vitest'
import { StoreUnavailableError } from '../../packages/runutil/src/core/store-unavailable-error.ts'
import { Random } from '../chaos/random.ts'
import { Device } from '../support/dispatch/device.ts'
import { capturedLogger, withLogger } from '../support/logs.ts'
import { PostgresServer } from '../support/postgres/server.ts'
import { eventually } from '../support/eventually.ts'

const SECONDS = Number(process.env['DISPATCH_CHAOS_SECONDS'] ?? 8)
const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const TARGETS = ['a', 'b', 'c', 'd']
const LEASE = '2s'
const CALLERS_A_TARGET = 3

/** A device a target, and what befalls them. A new process is a new host. */
class Devices {
  readonly #url: string
  readonly #random: Random
  readonly #now = new Map<string, Device>()
  readonly all: Device[] = []
  readonly counts = { kills: 0, stops: 0, freezes: 0, restarts: 0 }

  constructor(url: string, random: Random) {
    this.#url = url
    this.#random = random
    for (const target of TARGETS) this.#start(target)
  }

  #start(target: string): void {
    const device = new Device(this.#url, `host ${this.all.length}`, [target], LEASE)
    this.all.push(device)
    this.#now.set(target, device)
  }

  async replace(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const target = this.#random.pick(TARGETS)
    await this.#now.get(target)!.end(signal)
    this.#start(target)
    this.counts[signal === 'SIGKILL' ? 'kills' : 'stops']++
  }

  /** Past its lease, while other things happen. */
  freeze(): void {
    const { process } = this.#now.get(this.#random.pick(TARGETS))!
    process.kill('SIGSTOP')
    setTimeout(() => process.kill('SIGCONT'), this.#random.between(2_500, 4_500))
    this.counts.freezes++
  }

  /** The actions' inputs that a handler was given. */
  get begun(): number[] {
    return this.all
      .flatMap(({ lines }) => lines)
      .flatMap((line) => /begins (.*)/.exec(line)?.[1] ?? [])
      .map((input) => (JSON.parse(input) as { echo: number }).echo)
  }

  async end(): Promise<void> {
    await Promise.all([...this.#now.values()].map((device) => device.end('SIGTERM')))
  }
}

/** Keeps all targets busy, and has what became of each call. */
class Callers {
  readonly ended = new Map<number, string>()
  readonly unknown = new Set<number>()
  readonly nowhere = new Set<number>()
  readonly #managers: readonly Manager<object>[]
  readonly #running: Promise<void>[]
  #next = 0
  #stopping = false

  constructor(managers: readonly Manager<object>[]) {
    this.#managers = managers
    this.#running = TARGETS.flatMap((target) =>
      Array.from({ length: CALLERS_A_TARGET }, () => this.#run(target)),
    )
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await Promise.all(this.#running)
  }

  async #run(target: string): Promise<void> {
    while (!this.#stopping) await this.#call(target, this.#next++)
  }

  async #call(target: string, echo: number): Promise<void> {
    const dispatched = this.#managers[echo % this.#managers.length]!.do(target, { echo })
    try {
      await dispatched
    } catch (error) {
      if (error instanceof ErrNoWorker) this.nowhere.add(echo)
      else if (error instanceof StoreUnavailableError) this.unknown.add(echo)
      else throw error
      return void (await after(20))
    }
    const outcome = await dispatched.completed.then(
      () => 'succeeded',
      (error: Error) => error.message,
    )
    this.ended.set(echo, outcome)
  }
}

async function statusesOf(manager: Manager<object>): Promise<Map<number, Action>> {
  const found = new Map<number, Action>()
  for await (const action of manager.actions.search()) {
    const { echo } = action.input as { echo: number }
    expect(found.has(echo)).toBe(false)
    found.set(echo, action)
  }
  return found
}

it(
  `${TARGETS.length} devices that are killed, frozen and cut off begin no action twice and leave none running`,
  { timeout: (SECONDS + 300) * 1_000 },
  async () => {
    console.log(`seed ${SEED}`)
    const random = new Random(SEED)
    const server = await PostgresServer.start({ settings: { fsync: 'off' } })
    const url = await server.createDatabase()
    const databases = await Promise.all([openDatabase(url), openDatabase(url)])
    await migrate(databases[0])
    const stop = new AbortController()
    const { logger } = capturedLogger()
    const { managers, runs, callers } = withLogger(logger, () => {
      const managers = databases.map(
        (database) =>
          new Manager<object>({
            operation: 'test',
            ledger: new PostgresActionLedger(database, { lease: LEASE }),
            gracePeriod: '2s',
          }),
      )
      const runs = managers.map((manager) => manager.run(stop.signal))
      return { managers, runs, callers: new Callers(managers) }
    })
    const devices = new Devices(url, random)

    const end = performance.now() + SECONDS * 1_000
    while (performance.now() < end) {
      const drawn = random.between(1, 10)
      if (drawn <= 4) await devices.replace('SIGKILL')
      else if (drawn <= 6) await devices.replace('SIGTERM')
      else if (drawn <= 8) devices.freeze()
      else {
        devices.counts.restarts++
        await server.restart(random.pick(['fast', 'immediate']))
      }
      await after(random.between(50, 500))
    }
    // On a busy machine a device may be killed each time before it is up.
    const succeededCalls = (): string[] => [...callers.ended.values()].filter((end) => end === 'succeeded')
    await eventually(() => expect(succeededCalls().length).toBeGreaterThan(20))
    await callers.stop()
    await eventually(async () => {
      const statuses = await statusesOf(managers[0]!)
      expect([...statuses.values()].filter(({ status }) => status === 'running')).toEqual([])
    })

    const { begun } = devices
    const ledger = await statusesOf(managers[0]!)
    const succeeded = [...ledger].filter(([, { status }]) => status === 'succeeded').map(([echo]) => echo)
    const failed = [...ledger].filter(([, { status }]) => status === 'failed')
    console.log(
      JSON.stringify({
        ...devices.counts,
        seed: SEED,
        actions: ledger.size,
        succeeded: succeeded.length,
        lostAfterBegin: failed.filter(([echo]) => begun.includes(echo)).length,
        lostBefore: failed.filter(([echo]) => !begun.includes(echo)).length,
        unknown: callers.unknown.size,
        nowhere: callers.nowhere.size,
      }),
    )
    // Nothing is begun twice, or without being in the ledger.
    expect(new Set(begun).size).toBe(begun.length)
    expect(begun.filter((echo) => !ledger.has(echo))).toEqual([])
    // What succeeded was done; what failed was lost, and says so.
    expect(succeeded.filter((echo) => !begun.includes(echo))).toEqual([])
    expect(new Set(failed.map(([, { error }]) => error))).toEqual(
      new Set(failed.length > 0 ? ['worker lost'] : []),
    )
    // Callers were told the truth.
    expect([...callers.nowhere].filter((echo) => ledger.has(echo))).toEqual([])
    for (const [echo, outcome] of callers.ended) {
      const action = ledger.get(echo)!
      expect([echo, outcome]).toEqual([echo, action.error ?? action.status])
    }
    expect(succeeded.length).toBeGreaterThan(20)
    stop.abort()
    await Promise.all(runs)
    await devices.end()
    await Promise.all(databases.map((database) => database.close()))
    await server.stop()
  },
)
