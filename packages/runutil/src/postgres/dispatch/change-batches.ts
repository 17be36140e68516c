import { randomUUID } from 'node:crypto'
import { CallBatcher } from '../../core/call-batcher.ts'
import { StoreUnavailableError } from '../../core/store-unavailable-error.ts'
import type { SeenRecord } from '../../dispatch/action-ledger.ts'
import type { ActionRecord, RecordChange } from '../../dispatch/action.ts'
import { JSON_TYPE, TEXT } from '../database/qualified.ts'
import { fromStorable, toStorable } from '../statements/storable-json.ts'
import type { SchemaQueries } from '../statements/schema-queries.ts'
import type { ActionFollower } from './action-follower.ts'
import type { NextTask, Taker } from './registered-worker.ts'

/** Changes per statement. */
const MOST_CHANGES = 100

/** With a taker, the worker's next task is taken in the same statement. */
export type Change =
  | { readonly kind: 'create'; readonly record: ActionRecord }
  | { readonly kind: 'dispatch'; readonly record: ActionRecord; readonly taker?: Taker | undefined }
  | {
      readonly kind: 'update'
      readonly change: RecordChange
      readonly ifRunning: boolean
      readonly taker?: Taker | undefined
    }

/** What the database answers to a change. */
export interface ChangeResult {
  /** Of what was written; null if nothing was. */
  readonly revision: number | null
  /** The action; absent where it was written as it was given, null when there is none. */
  readonly record?: ActionRecord | null
  /** Of an update: the status of an action that has ended otherwise. */
  readonly ended?: string | null
  /** Of a dispatch: whether its worker is live. */
  readonly isWritten?: boolean
  readonly next?: NextTask | null
}

interface SentChange {
  readonly json: string
  readonly taker: Taker | undefined
}

/** Changes actions, those of one turn of the event loop in one statement. Its author's followers see them without reading them. */
export class ChangeBatches {
  /** Who wrote a change, in its notification. */
  readonly author = randomUUID()
  readonly #queries: SchemaQueries
  readonly #followers = new Set<ActionFollower>()
  readonly #changes = new CallBatcher<SentChange, ChangeResult>((changes) => this.#send(changes), {
    maxCalls: MOST_CHANGES,
    isCallError: (error) => !(error instanceof StoreUnavailableError),
  })

  constructor(queries: SchemaQueries) {
    this.#queries = queries
  }

  async call(change: Change): Promise<ChangeResult> {
    const json = toStorable(change)
    const taker = change.kind === 'create' ? undefined : change.taker
    try {
      return await this.#changes.call({ json, taker }, json.length)
    } catch (error) {
      taker?.settle(undefined)
      throw error
    }
  }

  /** @returns ends it */
  follow(follower: ActionFollower): () => void {
    this.#followers.add(follower)
    return () => void this.#followers.delete(follower)
  }

  async #send(changes: readonly SentChange[]): Promise<ChangeResult[]> {
    const { s, channel } = this.#queries
    const text = /* sql */ `select ${s}.change_actions($1::${TEXT}::${JSON_TYPE}, $2::${TEXT}, $3::${TEXT})::${TEXT}`
    try {
      const params = [`[${changes.map(({ json }) => json).join(',')}]`, this.author, channel]
      const [row] = await this.#queries.rows<[string]>(text, params)
      const results = fromStorable<ChangeResult[]>(row![0])
      // First, so that whoever sees an action end finds its worker waiting.
      for (const [at, { json, taker }] of changes.entries()) taker?.settle(nextOf(results[at]!, json))
      this.#tellFollowers(changes, results)
      return results
    } catch (error) {
      // They may have been written.
      for (const follower of this.#followers) follower.look()
      throw error
    }
  }

  #tellFollowers(changes: readonly SentChange[], results: readonly ChangeResult[]): void {
    if (this.#followers.size === 0) return
    const written = results.flatMap(({ revision, record }, at): SeenRecord[] => {
      if (revision === null) return []
      return [{ revision, record: record ?? recordOf(changes[at]!.json) }]
    })
    for (const follower of this.#followers) follower.see(written)
  }
}

/** The database doesn't repeat the input of a task that was dispatched with the same change. */
function nextOf({ next, isWritten }: ChangeResult, json: string): NextTask | undefined {
  if (isWritten !== true || !next || next.action === null) return next ?? undefined
  const { id, input } = recordOf(json)
  return next.action === id ? { ...next, input } : next
}

/** @param json a change that carries a whole record */
function recordOf(json: string): ActionRecord {
  return fromStorable<{ record: ActionRecord }>(json).record
}
