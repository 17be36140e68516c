import { systemClock } from '../../core/clock-system.ts'
import { Notify } from '../../core/notify.ts'
import { OutageLog } from '../../core/outage-log.ts'
import type { OnChange, SeenRecord } from '../../dispatch/action-ledger.ts'
import { DatabaseClosedError } from '../database/errors.ts'
import { GT, TEXT } from '../database/qualified.ts'
import { fromStorable } from '../statements/storable-json.ts'
import type { SchemaQueries } from '../statements/schema-queries.ts'
import { WakeUps } from '../statements/wake-ups.ts'

const POLL_MS = 1_000
const PAGE = 500

/**
 * Delivers all changes in their order. Reads them when notified, and every second in case a notification was missed. What this
 * process writes it is told: such a change needs no reading if it follows directly on the last one that was delivered.
 */
export class ActionFollower {
  readonly #queries: SchemaQueries
  readonly #author: string
  readonly #onChange: OnChange
  readonly #onEnd: (error: unknown) => void
  readonly #stop = new AbortController()
  readonly #wake = new Notify(systemClock, this.#stop.signal)
  #revision = 0
  /** Changes of this process, in their order, that are yet to be delivered. */
  #own: SeenRecord[] = []
  /** There may be changes that only the database knows. */
  #mustRead = true
  #ended: Promise<void> = Promise.resolve()
  readonly #wakeUps = new WakeUps(() => this.look())

  /**
   * @param author whose changes `see` is called with
   * @param onEnd called when the database was closed: there will be no more changes
   */
  constructor(queries: SchemaQueries, author: string, onChange: OnChange, onEnd: (error: unknown) => void) {
    this.#queries = queries
    this.#author = author
    this.#onChange = onChange
    this.#onEnd = onEnd
  }

  /** @param written by this process, in their order */
  see(written: readonly SeenRecord[]): void {
    // Of more than a page, reading them again costs less than keeping them for a slow receiver.
    if (this.#own.length + written.length > PAGE) {
      this.#own = []
      this.#mustRead = true
    } else this.#own.push(...written)
    this.#wake.notify()
  }

  /** There may be changes that it wasn't told of. */
  look(): void {
    this.#mustRead = true
    this.#wake.notify()
  }

  /** @returns the last revision before the start */
  async start(): Promise<number> {
    const { channel, s } = this.#queries
    await this.#wakeUps.listen(this.#queries, channel, (payload) => this.#isNews(payload))
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

  /** Whether a notification tells of changes that it doesn't know: '' that some were missed. */
  #isNews(payload: string): boolean {
    const [what, revision, author] = payload.split(' ')
    if (what !== 'changed') return payload === ''
    return author === undefined || (author !== this.#author && Number(revision) > this.#revision)
  }

  async #follow(): Promise<void> {
    const outage = new OutageLog('follow the ledger')
    while (!this.#stop.signal.aborted) {
      try {
        await this.#deliverOwn()
        if (this.#mustRead) await this.#read()
        outage.succeeded()
      } catch (error) {
        if (this.#stop.signal.aborted) return
        if (error instanceof DatabaseClosedError) return this.#onEnd(error)
        outage.failed(error)
      }
      if (!(await this.#wake.wait(POLL_MS))) this.#mustRead = true
    }
  }

  /** Up to one that others' changes come before, which are read with it. */
  async #deliverOwn(): Promise<void> {
    for (let next = this.#own.shift(); next !== undefined; next = this.#own.shift()) {
      if (next.revision > this.#revision + 1) {
        this.#own = []
        this.#mustRead = true
        return
      }
      if (next.revision > this.#revision) await this.#deliver(next)
    }
  }

  async #read(): Promise<void> {
    const text = /* sql */ `select revision::double precision, record::${TEXT} from ${this.#queries.s}.action_records
      where revision ${GT} $1::bigint order by revision limit ${PAGE}`
    this.#mustRead = false
    try {
      for (let full = true; full && !this.#stop.signal.aborted;) {
        const rows = await this.#queries.rows<[number, string]>(text, [this.#revision])
        if (rows.length > 0) this.#wakeUps.worthIt()
        for (const [revision, record] of rows) await this.#deliver({ revision, record: fromStorable(record) })
        full = rows.length === PAGE
      }
    } catch (error) {
      this.#mustRead = true
      throw error
    }
  }

  async #deliver(change: SeenRecord): Promise<void> {
    if (this.#stop.signal.aborted) return
    this.#revision = change.revision
    await this.#onChange(change)
  }
}
