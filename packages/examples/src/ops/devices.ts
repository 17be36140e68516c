import { type Worker, repeat, reportProgress, supervise, wait, workerReady } from 'runutil'
import { Manager, type Task } from 'runutil/dispatch'
import { type Database, PostgresActionLedger } from 'runutil/postgres'

interface Update {
  readonly version: number
}

/** Simulated printers, by the host that they are connected to. */
const PRINTERS: Record<string, string[]> = { 'host-1': ['lobby', 'office'], 'host-2': ['workshop'] }
const ALL = Object.values(PRINTERS).flat()

/** Sends updates to devices; each third one to the printer in the workshop fails. */
export class Devices {
  readonly manager: Manager<Update>
  #updates = 0

  constructor(database: Database) {
    this.manager = new Manager<Update>({ operation: 'update', ledger: new PostgresActionLedger(database) })
  }

  workers(): Worker {
    return supervise([
      { name: 'Updates', worker: this.manager },
      { name: 'Printers', worker: (signal) => this.#connect(signal) },
      { name: 'NewVersions', worker: repeat('4s', () => this.#send(), { startImmediately: true }) },
    ])
  }

  async #connect(signal: AbortSignal): Promise<void> {
    const connected = Object.entries(PRINTERS).flatMap(([host, printers]) =>
      printers.map((printer) => this.manager.workers.register(host, printer, this.#update)),
    )
    workerReady()
    await wait('365d', signal)
    await Promise.all(connected.map((registration) => registration.close()))
  }

  async #send(): Promise<void> {
    const printer = ALL[this.#updates++ % ALL.length]!
    const sent = this.manager.do(printer, { version: this.#updates })
    sent.completed.catch(() => {})
    await sent
  }

  readonly #update = async ({ action, target, input }: Task<Update>, signal: AbortSignal): Promise<void> => {
    for (let percent = 0; percent < 100 && !signal.aborted; percent += 10) {
      reportProgress(percent, 100, 'copying')
      await wait('500ms', signal)
    }
    if (target === 'workshop' && input.version % 3 === 0) {
      // Who throws is no longer connected.
      await this.manager.update({ id: action, status: 'failed', error: 'out of paper' })
    } else {
      await this.manager.update({ id: action, output: `now at version ${input.version}` })
    }
  }
}
