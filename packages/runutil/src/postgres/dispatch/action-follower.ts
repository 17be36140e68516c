import { systemClock } from '../../core/clock-system.ts'
import { Notify } from '../../core/notify.ts'
import { OutageLog } from '../../core/outage-log.ts'
import type { OnChange } from '../../dispatch/action-ledger.ts'
import { DatabaseClosedError } from '../database/errors.ts'
import { GT, TEXT } from '../database/qualified.ts'
import { fromStorable } from '../statements/storable-json.ts'
import type { SchemaQueries } from '../statements/schema-queries.ts'
import { WakeUps } from '../statements/wake-ups.ts'

const POLL_MS = 1_000
const PAGE = 500

/** Reads all changes in their order: when notified, and every second in case a notification was missed. */
export class ActionFollower {
  readonly #queries: SchemaQueries
  readonly #onChange: OnChange
  readonly #onEnd: (error: unknown) => void
  readonly #stop = new AbortController()
  readonly #wake = new Notify(systemClock, this.#stop.signal)
  #revision = 0
  #ended: Promise<void> = Promise.resolve()
  readonly #wakeUps = new WakeUps(() => this.#wake.notify())

  /** @param onEnd called when the database was closed: there will be no more changes */
  constructor(queries: SchemaQueries, onChange: OnChange, onEnd: (error: unknown) => void) {
    this.#queries = queries
    this.#onChange = onChange
    this.#onEnd = onEnd
  }

  /** @returns the last revision before the start */
  async start(): Promise<number> {
    const { channel, s } = this.#queries
    await this.#wakeUps.listen(this.#queries, channel, (payload) => payload === '')
    try {
      const text = /* sql */ `select coalesce(pg_catalog.max(revision), 0)::double precision from ${s}.action_records`
      const [row] = await this.#queries.rows<[number]>(text, [])
      this.#revision = row![0]
    } catch (error) {
      await this.#wakeUps.stop()
      throw error
    }
    const first = this.#revision
    this.#ended = this.#follow()
    return first
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#ended
    await this.#wakeUps.stop()
  }

  async #follow(): Promise<void> {
    const outage = new OutageLog('follow the ledger')
    while (!this.#stop.signal.aborted) {
      try {
        await this.#read()
        outage.succeeded()
      } catch (error) {
        if (this.#stop.signal.aborted) return
        if (error instanceof DatabaseClosedError) return this.#onEnd(error)
        outage.failed(error)
      }
      await this.#wake.wait(POLL_MS)
    }
  }

  async #read(): Promise<void> {
    const text = /* sql */ `select revision::double precision, record::${TEXT} from ${this.#queries.s}.action_records
      where revision ${GT} $1::bigint order by revision limit ${PAGE}`
    for (let full = true; full && !this.#stop.signal.aborted;) {
      const rows = await this.#queries.rows<[number, string]>(text, [this.#revision])
      if (rows.length > 0) this.#wakeUps.worthIt()
      for (const [revision, record] of rows) {
        if (this.#stop.signal.aborted) return
        this.#revision = revision
        await this.#onChange({ revision, record: fromStorable(record) })
      }
      full = rows.length === PAGE
    }
  }
}
