import type { Failure } from './failure.ts'
import { useLive } from './page-context.ts'

/** A list that the stream brings. */
export interface KnownList<Item> {
  /** Undefined until it is known. */
  readonly items: readonly Item[] | undefined
  readonly failure: Failure | undefined
  /** When it was last known to be so, by the clock of the browser, and how old it was then. */
  readonly heardAt: number | undefined
  readonly ageMs: number
}

/** An older answer is said to be so by the server, once. */
const OLD_MS = 10_000

/** @param name of a list that the view watches */
export function useLiveList<Item>(name: string): KnownList<Item> {
  const live = useLive()
  const list = live.lists[name]
  const value = list?.value
  const ageMs = value?.ageMs ?? 0
  const { openedAt = Infinity } = live
  // It is sent when it has changed: while anything comes, it hasn't.
  const isCurrent = ageMs < OLD_MS && list?.failure === undefined && (list?.heardAt ?? 0) >= openedAt
  return {
    items: value?.[name] as readonly Item[] | undefined,
    failure: list?.failure,
    heardAt: isCurrent ? live.heardAt : list?.heardAt,
    ageMs,
  }
}
