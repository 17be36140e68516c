import { isDeepStrictEqual } from 'node:util'
import { offAbort, onAbort } from '../core/abort.ts'
import { checkOptions, checkText } from '../core/options.ts'
import { StoreUnavailableError } from '../core/unavailable.ts'
import type { ActionLedger, Following, SeenRecord } from './action-ledger.ts'
import { type ActionQuery, hintOf, matcher } from './action-query.ts'
import { type Action, toAction } from './action.ts'
import { asJson } from './json.ts'

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
   * Those that match, the oldest first; with `monitor`, each change that matches from then on, until the abort.
   *
   * @throws InvalidArgumentError at the call
   *
   * @example
   * for await (const action of actions.search({ status: 'failed', error: { contains: 'timeout' } })) retry(action)
   */
  search(query: ActionQuery<I, O> = {}, options: SearchOptions = {}): AsyncIterable<Action<I, O>> {
    const { signal, monitor = false } = checkOptions('search', options, ['signal', 'monitor'])
    const matches = matcher({ operation: this.#operation, ...query })
    const wanted = (seen: SeenRecord): Action<I, O>[] => {
      if (seen.record.operation !== this.#operation) return []
      const action = toAction<I, O>(seen.record)
      return matches(action) ? [action] : []
    }
    const hint = { ...hintOf(query), operation: this.#operation }
    return monitor ? this.#monitor(hint, wanted, signal) : this.#matches(hint, wanted, signal)
  }

  async *#matches(
    hint: object,
    wanted: (seen: SeenRecord) => Action<I, O>[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Action<I, O>> {
    for await (const seen of this.#ledger.search(hint)) {
      if (signal?.aborted) return
      yield* wanted(seen)
    }
  }

  async *#monitor(
    hint: object,
    wanted: (seen: SeenRecord) => Action<I, O>[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Action<I, O>> {
    const changes = new Changes(signal)
    // Of what changes while they are listed, how far the list had it.
    const listed = new Map<string, number>()
    let following: Following | undefined
    try {
      following = await this.#ledger.follow(
        (seen) => changes.push(seen),
        (error) => changes.end(error),
      )
      const { revision } = following
      for await (const seen of this.#ledger.search(hint)) {
        if (signal?.aborted) return
        if (seen.revision > revision) listed.set(seen.record.id, seen.revision)
        yield* wanted(seen)
      }
      for (let seen = await changes.next(); seen !== undefined; seen = await changes.next()) {
        if (seen.revision > (listed.get(seen.record.id) ?? revision)) yield* wanted(seen)
      }
    } catch (error) {
      // It ends quietly, also where the ledger couldn't be reached by then.
      if (!(signal?.aborted && error instanceof StoreUnavailableError)) throw error
    } finally {
      changes.close()
      await following?.off()
    }
  }
}

/** What came while nobody asked. */
class Changes {
  readonly #signal: AbortSignal | undefined
  #queue: SeenRecord[] = []
  #end: { readonly error: unknown } | undefined
  #wake: () => void = () => {}
  readonly #onAbort = (): void => this.#wake()

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal
    onAbort(signal, this.#onAbort)
  }

  push(seen: SeenRecord): void {
    this.#queue.push(seen)
    this.#wake()
  }

  /** Nothing more will come. */
  end(error: unknown): void {
    this.#end = { error }
    this.#wake()
  }

  /** Undefined after the abort. @throws what ended them */
  async next(): Promise<SeenRecord | undefined> {
    while (this.#queue.length === 0 && this.#end === undefined && !this.#signal?.aborted) {
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    if (this.#signal?.aborted) return undefined
    const seen = this.#queue.shift()
    if (seen === undefined) throw this.#end!.error
    return seen
  }

  close(): void {
    offAbort(this.#signal, this.#onAbort)
  }
}
