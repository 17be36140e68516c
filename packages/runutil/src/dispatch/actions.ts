import { isDeepStrictEqual } from 'node:util'
import { checkOptions, checkText } from '../core/options.ts'
import { StoreUnavailableError } from '../core/store-unavailable-error.ts'
import type { ActionLedger, Following, SearchHint, SeenRecord } from './action-ledger.ts'
import { type ActionQuery, hintOf, matcher } from './action-query.ts'
import { type Action, toAction } from './action.ts'
import { asJson } from './json.ts'
import { UnreadChanges } from './unread-changes.ts'

export interface SearchOptions {
  /** Ends the search quietly. */
  signal?: AbortSignal | undefined
  /** After the matches, goes on with each change that matches, whoever made it. Default false. */
  monitor?: boolean | undefined
}

/** The actions of one operation, as its ledger has them. */
export class Actions<I = unknown, O = unknown> {
  readonly #operation: string
  readonly #ledger: ActionLedger

  constructor(operation: string, ledger: ActionLedger) {
    this.#operation = operation
    this.#ledger = ledger
  }

  /** Undefined when there is none of that id. @throws InvalidArgumentError for what can be no id */
  async get(id: string): Promise<Action<I, O> | undefined> {
    checkText(id, 'get: id')
    const record = await this.#ledger.get(id)
    return record?.operation === this.#operation ? toAction(record) : undefined
  }

  /** Those with deeply the same input, as JSON has it, the oldest first. @throws InvalidArgumentError */
  async byInput(input: I): Promise<Action<I, O>[]> {
    const found: Action<I, O>[] = []
    const wanted = asJson(input, 'byInput')
    for await (const { record } of this.#ledger.search({ operation: this.#operation })) {
      if (record.operation === this.#operation && isDeepStrictEqual(record.input, wanted))
        found.push(toAction(record))
    }
    return found
  }

  /**
   * Those that match, the oldest first; with `monitor`, each change that matches from then on, until the abort. Whoever is
   * slower than 1,000 changes gets of an action that changed meanwhile what it has come to.
   *
   * @throws InvalidArgumentError at the call
   *
   * @example
   * for await (const action of actions.search({ status: 'failed', error: { contains: 'timeout' } })) retry(action)
   */
  search(query: ActionQuery<I, O> = {}, options: SearchOptions = {}): AsyncIterable<Action<I, O>> {
    const { signal, monitor = false } = checkOptions('search', options, ['signal', 'monitor'])
    const matches = matcher(query)
    const wanted = (seen: SeenRecord): Action<I, O>[] => {
      if (seen.record.operation !== this.#operation) return []
      const action = toAction<I, O>(seen.record)
      return matches(action) ? [action] : []
    }
    const hint = { ...hintOf(query), operation: this.#operation }
    return monitor ? this.#monitor(hint, wanted, signal) : this.#matches(hint, wanted, signal)
  }

  async *#matches(
    hint: SearchHint,
    wanted: (seen: SeenRecord) => Action<I, O>[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Action<I, O>> {
    for await (const seen of this.#ledger.search(hint)) {
      if (signal?.aborted) return
      yield* wanted(seen)
    }
  }

  async *#monitor(
    hint: SearchHint,
    wanted: (seen: SeenRecord) => Action<I, O>[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Action<I, O>> {
    const changes = new UnreadChanges(signal)
    let following: Following | undefined
    try {
      following = await this.#ledger.follow(
        (seen) => changes.push(seen),
        (error) => changes.end(error),
      )
      // What there is, and then what was dropped.
      for (let after: number | undefined = -Infinity; after !== undefined && !signal?.aborted;) {
        const listed: Listed = new Listed(after === -Infinity ? following.revision : after)
        for await (const seen of this.#ledger.search(hint)) {
          if (signal?.aborted) return
          if (seen.revision <= after) continue
          listed.add(seen)
          yield* wanted(seen)
        }
        after = yield* this.#changes(changes, listed, wanted)
      }
    } catch (error) {
      // It ends quietly, also where the ledger couldn't be reached by then.
      if (!(signal?.aborted && error instanceof StoreUnavailableError)) throw error
    } finally {
      changes.close()
      await following?.off()
    }
  }

  /** @returns the last one before some were dropped; undefined after the abort */
  async *#changes(
    changes: UnreadChanges,
    listed: Listed,
    wanted: (seen: SeenRecord) => Action<I, O>[],
  ): AsyncGenerator<Action<I, O>, number | undefined> {
    let last = listed.revision
    for (;;) {
      const seen = await changes.next()
      if (seen === undefined) return undefined
      if (seen === 'dropped') return last
      last = Math.max(last, seen.revision)
      if (!listed.has(seen)) yield* wanted(seen)
    }
  }
}

/** Of what changes while it is listed, how far the list had it. */
class Listed {
  /** All changes up to it are over. */
  readonly revision: number
  readonly #later = new Map<string, number>()

  constructor(revision: number) {
    this.revision = revision
  }

  add({ record, revision }: SeenRecord): void {
    if (revision > this.revision) this.#later.set(record.id, revision)
  }

  has({ record, revision }: SeenRecord): boolean {
    return revision <= (this.#later.get(record.id) ?? this.revision)
  }
}
