import { KIND_SORTS, type TopModel, WORKER_SORTS } from './top-model.ts'

/** A key as `node:readline` tells of it. */
export interface Key {
  /** What it types. */
  readonly text: string | undefined
  readonly name: string | undefined
  readonly isControl: boolean
}

/** The keys that are shown at the bottom. */
export const KEYS_SHOWN = [
  ['q', 'quit'],
  ['s', 'sort workers'],
  ['k', 'sort kinds'],
  ['/', 'filter'],
  ['↑↓', 'scroll'],
] as const

const PAGE = 10
const LONGEST_FILTER = 100

/** What a key makes of the model; undefined: it ends. */
export function afterKey(model: TopModel, key: Key): TopModel | undefined {
  const { text, name, isControl } = key
  if (isControl) return name === 'c' || name === 'd' ? undefined : model
  if (model.isTyping) return afterTyped(model, key)
  const scrolled = scrolledBy(name)
  if (scrolled !== undefined) return { ...model, scroll: Math.max(0, model.scroll + scrolled) }
  switch (text ?? '') {
    case 'q':
      return undefined
    case 's':
      return { ...model, workerSort: next(WORKER_SORTS, model.workerSort), scroll: 0 }
    case 'k':
      return { ...model, kindSort: next(KIND_SORTS, model.kindSort) }
    case '/':
      return { ...model, isTyping: true }
    default:
      return name === 'escape' ? { ...model, filter: '', scroll: 0 } : model
  }
}

function afterTyped(model: TopModel, { text, name }: Key): TopModel {
  switch (name ?? '') {
    case 'return':
    case 'enter':
      return { ...model, isTyping: false }
    case 'escape':
      return { ...model, isTyping: false, filter: '', scroll: 0 }
    case 'backspace':
      return { ...model, filter: [...model.filter].slice(0, -1).join(''), scroll: 0 }
    default: {
      const isText = text !== undefined && !/\p{Cc}/u.test(text)
      return isText ? { ...model, filter: (model.filter + text).slice(0, LONGEST_FILTER), scroll: 0 } : model
    }
  }
}

function scrolledBy(name: string | undefined): number | undefined {
  switch (name ?? '') {
    case 'up':
      return -1
    case 'down':
      return 1
    case 'pageup':
      return -PAGE
    case 'pagedown':
      return PAGE
    case 'home':
      return -Infinity
    case 'end':
      return Infinity
    default:
      return undefined
  }
}

function next<T>(all: readonly T[], one: T): T {
  return all[(all.indexOf(one) + 1) % all.length]!
}
