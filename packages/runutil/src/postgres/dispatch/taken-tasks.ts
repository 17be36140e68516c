import { systemClock } from '../../core/clock-system.ts'
import { OutageLog } from '../../core/outage-log.ts'
import { sleep } from '../../core/wait.ts'
import { DatabaseClosedError } from '../database/errors.ts'
import { EQ, TEXTS } from '../database/qualified.ts'
import { textArray } from '../statements/array-literal.ts'
import type { SchemaQueries } from '../statements/schema-queries.ts'

const POLL_MS = 1_000

interface Waiting {
  readonly onTaken: () => void
  /** The database has the task, so that one that is not there any more was taken. */
  written: boolean
}

/** Waits for tasks to be taken: notified by the database, and by asking it every second in case that was missed. */
export class TakenTasks {
  readonly #queries: SchemaQueries
  readonly #waiting = new Map<string, Waiting>()
  #listening: Promise<unknown> | undefined
  #polling = false

  constructor(queries: SchemaQueries) {
    this.#queries = queries
  }

  /** To be called before the task is written to the database, and followed by `written` or `forget`. */
  async watch(action: string, onTaken: () => void): Promise<void> {
    this.#listening ??= this.#queries.listen(this.#queries.channel, (payload) => this.#hear(payload))
    try {
      await this.#listening
    } catch (error) {
      this.#listening = undefined
      throw error
    }
    this.#waiting.set(action, { onTaken, written: false })
  }

  written(action: string): void {
    const waiting = this.#waiting.get(action)
    if (waiting === undefined) return
    waiting.written = true
    if (!this.#polling) void this.#poll()
  }

  forget(action: string): void {
    this.#waiting.delete(action)
  }

  #hear(payload: string): void {
    const [what, action] = payload.split(' ')
    if (what === 'taken' && action !== undefined) this.taken(action)
  }

  taken(action: string): void {
    this.#waiting.get(action)?.onTaken()
    this.#waiting.delete(action)
  }

  async #poll(): Promise<void> {
    const outage = new OutageLog('see whether tasks were taken')
    this.#polling = true
    while (this.#waiting.size > 0) {
      await sleep(systemClock, POLL_MS)
      const asked = [...this.#waiting].filter(([, { written }]) => written).map(([action]) => action)
      try {
        const notTaken = await this.#notTaken(asked)
        for (const action of asked) if (!notTaken.has(action)) this.taken(action)
        outage.succeeded()
      } catch (error) {
        if (error instanceof DatabaseClosedError) this.#waiting.clear()
        else outage.failed(error)
      }
    }
    this.#polling = false
  }

  async #notTaken(actions: string[]): Promise<Set<string>> {
    const text = /* sql */ `select action from ${this.#queries.s}.worker_tasks where action ${EQ} any ($1::${TEXTS}) and not taken`
    const rows = await this.#queries.rows<[string]>(text, [textArray(actions)])
    return new Set(rows.map(([action]) => action))
  }
}
