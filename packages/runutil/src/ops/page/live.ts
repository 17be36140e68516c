import { apply } from '../events/patch.ts'
import type { Aged, State } from '../views/read-model.ts'
import type { Failure } from './failure.ts'

export type Connection = 'connecting' | 'open' | 'lost' | 'hidden'

/** A list that is watched: as it was last sent, and why it isn't known any more. */
interface LiveList {
  readonly value: (Aged & Readonly<Record<string, unknown>>) | undefined
  readonly failure: Failure | undefined
  /** When the value came. */
  readonly heardAt: number | undefined
}

/** What the stream has brought. Times in ms since the epoch, by the clock of the browser. */
export interface Live {
  readonly connection: Connection
  /** Since when it is so. */
  readonly since: number
  /** Why it is lost. */
  readonly failure: Failure | undefined
  readonly state: State | undefined
  /** Why the state of another process isn't known any more. */
  readonly stateFailure: Failure | undefined
  /** When the stream was last opened: what came before may have changed unseen. */
  readonly openedAt: number | undefined
  /** When the last event came. */
  readonly heardAt: number | undefined
  readonly lists: Readonly<Record<string, LiveList>>
}

export type LiveEvent =
  | { readonly type: 'connection'; readonly connection: Connection; readonly failure?: Failure }
  | { readonly type: 'state' | 'patch' | 'failure'; readonly data: unknown }
  | { readonly type: 'list'; readonly name: string; readonly data: unknown }
  | { readonly type: 'forget' }

export function noLive(now: number): Live {
  return {
    connection: 'connecting',
    since: now,
    failure: undefined,
    state: undefined,
    stateFailure: undefined,
    openedAt: undefined,
    heardAt: undefined,
    lists: {},
  }
}

/** What an event makes of what was there. What is unchanged stays the same object. */
export function afterEvent(live: Live, event: LiveEvent, now: number): Live {
  switch (event.type) {
    case 'connection':
      return connected(live, event.connection, event.failure, now)
    case 'state':
      return { ...live, state: event.data as State, stateFailure: undefined, heardAt: now }
    case 'patch':
      // Without what it changes, a patch means nothing.
      if (live.state === undefined) return live
      return { ...live, state: apply(live.state, event.data) as State, stateFailure: undefined, heardAt: now }
    case 'failure':
      return { ...live, stateFailure: event.data as Failure, heardAt: now }
    case 'list':
      return { ...live, heardAt: now, lists: { ...live.lists, [event.name]: listAfter(live, event, now) } }
    case 'forget':
      return noLive(now)
    default:
      return event satisfies never
  }
}

function connected(live: Live, connection: Connection, failure: Failure | undefined, now: number): Live {
  if (live.connection === connection && live.failure?.message === failure?.message) return live
  // It is lost since it was, however often it was tried again.
  const since = live.connection === connection ? live.since : now
  return { ...live, connection, since, failure, openedAt: connection === 'open' ? now : live.openedAt }
}

function listAfter(live: Live, { name, data }: { name: string; data: unknown }, now: number): LiveList {
  const value = data as LiveList['value']
  if (value !== undefined && name in value) return { value, failure: undefined, heardAt: now }
  const before = live.lists[name]
  return { value: before?.value, failure: data as Failure, heardAt: before?.heardAt }
}
