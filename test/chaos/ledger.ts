import { openSync, readFileSync, readdirSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { machineMs } from './machine-clock.ts'
import type { Span } from './worker-process.ts'

/** How a handler ended. `aborted`: it gave up since its signal was. */
export type RunEnd = 'returned' | 'failed' | 'panicked' | 'retried' | 'aborted'

/** One call of a handler. */
export interface Run {
  readonly worker: string
  readonly id: string
  readonly kind: string
  readonly key: string
  readonly claim: number
  /** On the machine's clock. */
  readonly startedAt: number
  /** The same in whole ms of the wall clock, which is the database's: these two drift from each other. */
  readonly startedWall: number
  /** Undefined when the process died before the handler's end. */
  endedAt: number | undefined
  end: RunEnd | undefined
}

interface Ran {
  readonly id: string
  readonly kind: string
  readonly key?: string
  readonly claim: number
}

/**
 * What the handlers of one process did, a line for each start and end, in a file.
 *
 * In a file and not in a table: what was written there stays through each kill of the process and each restart of the
 * database, it is dated when it happens, and it can't fail when the database does. The system has a line once `write`
 * returns; a line that a kill cut short is one whose handler hadn't done anything yet.
 */
export class Ledger {
  readonly #file: number

  constructor(path: string) {
    this.#file = openSync(path, 'a')
  }

  started({ id, kind, key = '', claim }: Ran): void {
    this.#write(['start', id, claim, machineMs(), kind, Date.now(), key])
  }

  ended({ id, claim }: Ran, end: RunEnd): void {
    this.#write(['end', id, claim, machineMs(), end])
  }

  /** @param from in ms of the wall clock, as `to` */
  stalled(from: number, to: number): void {
    this.#write(['stall', '-', from, to])
  }

  #write(fields: readonly (string | number)[]): void {
    writeSync(this.#file, `${fields.join(' ')}\n`)
  }
}

/** What one process wrote down. */
interface Account {
  readonly runs: Run[]
  /** When its event loop stood still, in ms of the wall clock. */
  readonly stalls: Span[]
}

export interface Ledgers {
  /** In the order of their starts. */
  readonly runs: readonly Run[]
  readonly stallsOf: ReadonlyMap<string, readonly Span[]>
}

/** All that the ledgers of a folder say. */
export function readLedgers(folder: string): Ledgers {
  const files = readdirSync(folder).filter((file) => file.endsWith('.ledger'))
  const accounts = files.map((file) => {
    const worker = file.slice(0, -'.ledger'.length)
    return { worker, ...readLedger(worker, readFileSync(join(folder, file), 'utf8')) }
  })
  return {
    runs: accounts.flatMap(({ runs }) => runs).sort((a, b) => a.startedAt - b.startedAt),
    stallsOf: new Map(accounts.map(({ worker, stalls }) => [worker, stalls])),
  }
}

function readLedger(worker: string, text: string): Account {
  const account: Account = { runs: [], stalls: [] }
  const open = new Map<string, Run>()
  // What follows the last newline is cut short, or nothing.
  for (const line of text.split('\n').slice(0, -1)) {
    const [what = '', id = '', claim, at, kindOrEnd = '', wall, key = ''] = line.split(' ')
    const place = `${id} ${claim}`
    if (what === 'stall') account.stalls.push({ from: Number(claim), to: Number(at) })
    else if (what === 'start') {
      const times = { startedAt: Number(at), startedWall: Number(wall) }
      const begun = { worker, id, kind: kindOrEnd, key, claim: Number(claim), ...times }
      const run: Run = { ...begun, endedAt: undefined, end: undefined }
      account.runs.push(run)
      open.set(place, run)
    } else {
      const run = open.get(place)
      if (run === undefined) throw new Error(`${worker} ended what it hadn't started: ${line}`)
      run.endedAt = Number(at)
      run.end = kindOrEnd as RunEnd
    }
  }
  return account
}
