import { printable } from './printable.ts'
import { NO_STYLE, type Style, type Tone } from './style.ts'
import { fitTo, widthOf } from './width.ts'

export interface Column<Row> {
  readonly title: string
  readonly text: (row: Row) => string
  readonly tone?: (row: Row) => Tone
  readonly align?: 'right'
  /** It is cut first when the screen is too narrow. */
  readonly gives?: true
}

export interface TableLook {
  /** That of the screen; undefined: as wide as it needs to be. */
  readonly width?: number | undefined
  readonly style?: Style
}

const GAP = '  '
const LEAST = 4

/** The lines of a table, its titles first. A column without any text is left out, and the last ones when the screen is too narrow for all. */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { width, style = NO_STYLE }: TableLook = {},
): string[] {
  const cells = rows.map((row) => columns.map(({ text }) => printable(text(row))))
  const all = columns.map(({ title }, at) => {
    const texts = cells.map((row) => row[at]!)
    return texts.every((text) => text === '') ? 0 : Math.max(widthOf(title), ...texts.map(widthOf))
  })
  const shown = fitting(
    columns.map((_, at) => at).filter((at) => all[at]! > 0),
    all,
    width,
  )
  const widths = fitted(
    columns,
    all.map((one, at) => (shown.includes(at) ? one : 0)),
    width,
  )
  const line = (texts: readonly string[], toneAt: (at: number) => Tone): string => {
    const parts = shown.map((at) => style(toneAt(at), fitTo(texts[at]!, widths[at]!, columns[at]!.align)))
    // Nothing is padded at the end.
    const last = shown.at(-1)
    if (last !== undefined && columns[last]!.align !== 'right') {
      parts[parts.length - 1] = style(toneAt(last), fitTo(texts[last]!, widths[last]!).trimEnd())
    }
    return parts.join(GAP).trimEnd()
  }
  const titles = columns.map(({ title }) => title)
  const body = cells.map((texts, index) => line(texts, (at) => columns[at]!.tone?.(rows[index]!) ?? 'plain'))
  return [line(titles, () => 'dim'), ...body]
}

/** The first of the columns that fit when each is as narrow as it may be. */
function fitting(columns: readonly number[], all: readonly number[], width = Infinity): readonly number[] {
  let used = -GAP.length
  return columns.filter((at, place) => {
    used += GAP.length + Math.min(LEAST, all[at]!)
    return place === 0 || used <= width
  })
}

/** Takes from the columns that give, then from the widest ones, until all fit. */
function fitted<Row>(
  columns: readonly Column<Row>[],
  all: readonly number[],
  width: number | undefined,
): number[] {
  const widths = [...all]
  if (width === undefined) return widths
  const gaps = GAP.length * Math.max(0, widths.filter((one) => one > 0).length - 1)
  let over = widths.reduce((sum, one) => sum + one, gaps) - width
  const take = (from: readonly number[], least: number): void => {
    while (over > 0) {
      const widest = from.reduce((best, at) => (widths[at]! > widths[best]! ? at : best), from[0] ?? 0)
      if (from.length === 0 || widths[widest]! <= least) return
      widths[widest]! -= 1
      over -= 1
    }
  }
  const every = columns.map((_, at) => at)
  take(
    every.filter((at) => columns[at]!.gives === true),
    2 * LEAST,
  )
  take(every, LEAST)
  take(every, 1)
  return widths
}
