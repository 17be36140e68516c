import { apply } from '../../events/patch.ts'
import type { State } from '../../views/read-model.ts'
import type { KindList } from '../commands/kinds.ts'
import type { StreamEvent } from '../events.ts'

export const WORKER_SORTS = ['tree', 'state', 'restarts', 'newest'] as const
export const KIND_SORTS = ['name', 'due', 'running', 'failed'] as const

/** What `top` knows and shows. Times in ms since the epoch, by the clock of the terminal. */
export interface TopModel {
  readonly url: string
  readonly state: State | undefined
  readonly kinds: KindList | undefined
  /** When each of them came. */
  readonly stateAt: number
  readonly kindsAt: number
  /** Why the kinds aren't known, such as that there is no queue. */
  readonly kindsFailure: string | undefined
  /** Since when the connection is lost, and why. */
  readonly lost: { readonly since: number; readonly why: string } | undefined
  readonly workerSort: (typeof WORKER_SORTS)[number]
  readonly kindSort: (typeof KIND_SORTS)[number]
  /** Part of a path or a kind. */
  readonly filter: string
  /** Whether keys go to the filter. */
  readonly isTyping: boolean
  /** How many workers are above the first one that is shown. */
  readonly scroll: number
}

export function newModel(url: string): TopModel {
  return {
    url,
    state: undefined,
    kinds: undefined,
    stateAt: 0,
    kindsAt: 0,
    kindsFailure: undefined,
    lost: undefined,
    workerSort: 'tree',
    kindSort: 'name',
    filter: '',
    isTyping: false,
    scroll: 0,
  }
}

/** What an event of the stream makes of it. An unknown one changes nothing. */
export function afterEvent(model: TopModel, { name, data }: StreamEvent, now: number): TopModel {
  const heard = { ...model, lost: undefined }
  switch (name) {
    case 'state':
      return { ...heard, state: data as State, stateAt: now }
    case 'patch':
      // Without what it changes, a patch means nothing.
      if (model.state === undefined) return model
      return { ...heard, state: apply(model.state, data) as State, stateAt: now }
    case 'kinds':
      return afterKinds(heard, data, now)
    default:
      return model
  }
}

function afterKinds(model: TopModel, data: unknown, now: number): TopModel {
  const { kinds, message } = data as Partial<KindList> & { readonly message?: string }
  if (kinds === undefined) return { ...model, kindsFailure: message ?? 'unknown' }
  return { ...model, kinds: data as KindList, kindsAt: now, kindsFailure: undefined }
}

/** It is lost since it was, however often it was tried again. */
export function afterLoss(model: TopModel, why: string, now: number): TopModel {
  return { ...model, lost: { since: model.lost?.since ?? now, why } }
}
