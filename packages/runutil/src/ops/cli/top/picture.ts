import { age, instant } from '../../format.ts'
import { type Kind, kindColumns } from '../commands/kinds.ts'
import { headOf, workerColumns } from '../commands/ps.ts'
import { printable } from '../text/printable.ts'
import type { Style } from '../text/style.ts'
import { tableLines } from '../text/table.ts'
import { cutTo, fitTo } from '../text/width.ts'
import { KEYS_SHOWN } from './keys.ts'
import type { TopModel } from './top-model.ts'
import { workerRows } from './worker-rows.ts'

export interface PictureProps {
  /** By the clock of the terminal, in ms since the epoch. */
  readonly now: number
  /** Undefined: as wide, and as high, as it needs to be. */
  readonly width?: number | undefined
  readonly height?: number | undefined
  readonly style: Style
}

/** Head, status, an empty line between the tables, the keys. */
const OTHER_LINES = 4
/** The titles of a table, and one row. */
const LEAST_TABLE = 2

/** What `top` shows: exactly `height` lines, none wider than `width`. */
export function picture(model: TopModel, props: PictureProps): string[] {
  const { width, height, style } = props
  const kinds = kindLines(model, props)
  const rows = workerRows(model)
  const kindsHeight = Math.min(
    kinds.length,
    Math.max(LEAST_TABLE, Math.floor(((height ?? Infinity) - OTHER_LINES) / 3)),
  )
  const room = height === undefined ? Infinity : Math.max(0, height - OTHER_LINES - kindsHeight)
  const workers = workerLines(model, rows, room, props)
  const body = [...workers, '', ...kinds.slice(0, kindsHeight)]
  const head = [cut(headLine(model), width), statusLine(model, rows.length, props)]
  if (height === undefined) return [...head, ...body]
  const shown = [...head, ...body].slice(0, Math.max(0, height - 1))
  while (shown.length < height - 1) shown.push('')
  return [...shown, keysLine(model, width, style)]
}

/** Scrolled no further than to where the last workers fill half of the screen. */
export function withinBounds(model: TopModel, height: number | undefined): TopModel {
  const room = Math.max(1, Math.floor(((height ?? Infinity) - OTHER_LINES) / 2))
  const most = Math.max(0, workerRows(model).length - room)
  return model.scroll > most ? { ...model, scroll: most } : model
}

function headLine({ state, url }: TopModel): string {
  return state === undefined ? printable(`connecting to ${url}`) : headOf(state)
}

function statusLine(model: TopModel, workers: number, { now, width, style }: PictureProps): string {
  const { lost, filter, isTyping, workerSort, kindSort, scroll } = model
  if (lost !== undefined) {
    const text = printable(`connection lost ${age(lost.since, now)}, trying again: ${lost.why}`)
    return style('bad', cut(text, width))
  }
  const parts = [`workers by ${workerSort}`, `kinds by ${kindSort}`]
  if (isTyping || filter !== '') parts.push(`filter: ${filter}${isTyping ? '_' : ''}`)
  if (scroll > 0) parts.push(`from worker ${Math.min(scroll, workers) + 1} of ${workers}`)
  return style('dim', cut(printable(parts.join(', ')), width))
}

function workerLines(
  model: TopModel,
  rows: ReturnType<typeof workerRows>,
  room: number,
  { now, width, style }: PictureProps,
): string[] {
  if (room < LEAST_TABLE) return []
  if (rows.length === 0) return [model.state === undefined ? '' : 'no worker matches']
  // Widths are those of all rows: they stay as they are while it scrolls.
  const lines = tableLines(workerColumns(serverTime(model.state?.at, model.stateAt, now)), rows, {
    width,
    style,
  })
  return [lines[0]!, ...lines.slice(1 + model.scroll).slice(0, room - 1)]
}

function kindLines(model: TopModel, { now, width, style }: PictureProps): string[] {
  const { kinds, kindsFailure, kindsAt } = model
  if (kinds === undefined)
    return kindsFailure === undefined ? [] : [cut(printable(`kinds: ${kindsFailure}`), width)]
  if (kinds.kinds.length === 0) return [cut('no kind is known yet', width)]
  const columns = kindColumns(serverTime(kinds.at, kindsAt, now))
  return tableLines(columns, sortedKinds(kinds.kinds, model), { width, style })
}

function sortedKinds(kinds: readonly Kind[], { kindSort, filter }: TopModel): readonly Kind[] {
  const found = kinds.filter(({ kind }) => kind.includes(filter.toLowerCase()))
  // All are there when the filter is one of workers.
  const shown = found.length === 0 ? kinds : found
  if (kindSort === 'name') return shown
  return [...shown].sort((one, other) => other[kindSort] - one[kindSort])
}

/** What the clock of the process says now, whatever that of the terminal says. */
function serverTime(at: string | undefined, heardAt: number, now: number): number {
  return (instant(at) ?? 0) + Math.max(0, now - heardAt)
}

function keysLine({ isTyping }: TopModel, width: number | undefined, style: Style): string {
  const keys = isTyping
    ? 'type part of a name · Enter keep · Esc clear'
    : KEYS_SHOWN.map(([key, what]) => `${key} ${what}`).join(' · ')
  return style('selected', width === undefined ? keys : fitTo(keys, width))
}

function cut(text: string, width: number | undefined): string {
  return width === undefined ? text : cutTo(text, width)
}
