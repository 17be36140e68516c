import { isDeepStrictEqual } from 'node:util'
import { LeavableGenerator } from '../core/leavable-generator.ts'
import { linkedController } from '../core/linked-controller.ts'
import { checkOptions, checkText } from '../core/options.ts'
import type { ActionLedger, SearchHint, SeenRecord } from './action-ledger.ts'
import { type ActionPage, type ListedActions, listedActions } from './action-listing.ts'
import { type ActionQuery, type Matcher, hintOf, matcher } from './action-query.ts'
import { type Action, toAction } from './action.ts'
import { asJson } from './json.ts'
import { monitoredRecords } from './monitored-records.ts'

/** Options of `search`. */
export interface SearchOptions {
  /** Ends the search without an error. */
  signal?: AbortSignal | undefined
  /** Continues after the matches with each matching change, from any process. Default false. */
  monitor?: boolean | undefined
}

/** Reads the actions of one operation from its ledger. */
export class Actions<I = unknown, O = unknown> {
  readonly #operation: string
  readonly #ledger: ActionLedger

  constructor(operation: string, ledger: ActionLedger) {
    this.#operation = operation
    this.#ledger = ledger
  }

  /** The action with that id, or undefined. @throws InvalidArgumentError for a value that cannot be an id */
  async get(id: string): Promise<Action<I, O> | undefined> {
    checkText(id, 'get: id')
    const record = await this.#ledger.get(id)
    return record?.operation === this.#operation ? toAction(record) : undefined
  }

  /** The actions whose input is deeply equal, as JSON, oldest first. @throws InvalidArgumentError */
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
   * A page of the matching actions, the last created first: for lists that people look at, of ledgers of any size.
   *
   * Reading a page looks at no more than 10,000 actions: it may be shorter than `limit`, even empty, and still have a `next`.
   *
   * @throws InvalidArgumentError, also for an `after` that was pruned meanwhile; the signal's reason
   *
   * @example
   * const { actions, next } = await manager.actions.list({ status: 'failed' }, { limit: 20 })
   */
  async list(query: ActionQuery<I, O> = {}, page: ActionPage = {}): Promise<ListedActions<I, O>> {
    const matches = matcher(query, 'list')
    const { operation } = query
    if (typeof operation === 'string' && operation !== this.#operation) return { actions: [] }
    return listedActions<I, O>({
      ledger: this.#ledger,
      hint: { ...hintOf(query), operation: this.#operation },
      matches,
      page,
    })
  }

  /**
   * The matching actions, oldest first; with `monitor`, then each matching change until the abort. A reader more than 1,000
   * changes behind receives only the latest state of the actions that changed meanwhile.
   *
   * @throws InvalidArgumentError at the call
   *
   * @example
   * for await (const action of actions.search({ status: 'failed', error: { contains: 'timeout' } })) retry(action)
   */
  search(query: ActionQuery<I, O> = {}, options: SearchOptions = {}): AsyncIterable<Action<I, O>> {
    const { signal, monitor = false } = checkOptions('search', options, ['signal', 'monitor'])
    const matches = matcher(query)
    const hint = { ...hintOf(query), operation: this.#operation }
    let leave = (): void => {}
    const found = monitor
      ? this.#monitored(hint, signal, (abort) => (leave = abort))
      : this.#ledger.search(hint)
    return new LeavableGenerator(this.#matching(found, matches, signal), () => leave())
  }

  /** @param onStart given a function that ends the monitoring */
  async *#monitored(
    hint: SearchHint,
    signal: AbortSignal | undefined,
    onStart: (abort: () => void) => void,
  ): AsyncGenerator<SeenRecord> {
    const controller = linkedController(signal)
    onStart(() => controller.abort(undefined))
    try {
      yield* monitoredRecords(this.#ledger, hint, controller.signal)
    } finally {
      controller.dispose()
    }
  }

  async *#matching(
    found: AsyncIterable<SeenRecord>,
    matches: Matcher,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Action<I, O>, void, undefined> {
    for await (const { record } of found) {
      if (signal?.aborted) return
      if (record.operation !== this.#operation) continue
      const action = toAction<I, O>(record)
      if (matches(action)) yield action
    }
  }
}
