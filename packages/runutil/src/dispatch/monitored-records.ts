import { StoreUnavailableError } from '../core/store-unavailable-error.ts'
import type { ActionLedger, Following, SearchHint, SeenRecord } from './action-ledger.ts'
import { UnreadChanges } from './unread-changes.ts'

/**
 * The records that a search finds, then each change until the abort, which ends the iteration without an error. When the reader
 * is too slow, some changes are dropped, and the search is repeated for the records that changed meanwhile.
 */
export async function* monitoredRecords(
  ledger: ActionLedger,
  hint: SearchHint,
  signal: AbortSignal | undefined,
): AsyncGenerator<SeenRecord> {
  const changes = new UnreadChanges(signal)
  let following: Following | undefined
  try {
    following = await ledger.follow(
      (seen) => changes.push(seen),
      (error) => changes.end(error),
    )
    yield* listsAndChanges(ledger, hint, changes, following.revision)
  } catch (error) {
    // The signal was aborted while the ledger was unreachable.
    if (!(signal?.aborted && error instanceof StoreUnavailableError)) throw error
  } finally {
    changes.close()
    await following?.off()
  }
}

/** @param revision the revision of the last change before the first of `changes` */
async function* listsAndChanges(
  ledger: ActionLedger,
  hint: SearchHint,
  changes: UnreadChanges,
  revision: number,
): AsyncGenerator<SeenRecord> {
  for (let after: number | undefined = -Infinity; after !== undefined;) {
    const listed: Listed = new Listed(after === -Infinity ? revision : after)
    for await (const seen of ledger.search(hint)) {
      if (seen.revision <= after) continue
      listed.add(seen)
      yield seen
    }
    after = yield* changesAfter(listed, changes)
  }
}

/** @returns the last revision before changes were dropped; undefined after the abort */
async function* changesAfter(
  listed: Listed,
  changes: UnreadChanges,
): AsyncGenerator<SeenRecord, number | undefined> {
  let last = listed.revision
  for (;;) {
    const seen = await changes.next()
    if (seen === undefined) return undefined
    if (seen === 'dropped') return last
    last = Math.max(last, seen.revision)
    if (!listed.has(seen)) yield seen
  }
}

/** Tracks which changes a list already contains, since actions may change while it is read. */
class Listed {
  /** The revision up to which the list contains all changes. */
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
