import { useState } from 'preact/hooks'
import type { RowSet } from './row-set.ts'

export interface RowFocus<Row> {
  /** Whether the tabulator leads to it: one of the rows is so. */
  isTabStop(row: Row): boolean
  onKeyDown(event: KeyboardEvent): void
}

/** Leads the focus from row to row by the keys that tables and trees have. */
export function useRowFocus<Row>({ rows, keyOf, select, selected, tree }: RowSet<Row>): RowFocus<Row> {
  const [last, setLast] = useState<string | undefined>(undefined)
  const has = (key: string | undefined): boolean => rows.some((row) => keyOf(row) === key)
  const first = rows[0] === undefined ? undefined : keyOf(rows[0])
  const stop = has(last) ? last : has(selected) ? selected : first
  const onKeyDown = (event: KeyboardEvent): void => {
    const target = event.target as HTMLElement
    const at = rows.findIndex((row) => keyOf(row) === target.dataset['key'])
    const row = rows[at]
    // Keys within a cell are for what is in it.
    if (row === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    const move = (to: Row | undefined): void => {
      if (to === undefined) return
      setLast(keyOf(to))
      const lines = target.parentElement?.children ?? []
      ;(lines[rows.indexOf(to)] as HTMLElement | undefined)?.focus()
    }
    if (!pressed({ key: event.key, row, at, rows, move, select, tree })) return
    event.preventDefault()
  }
  return { isTabStop: (row) => keyOf(row) === stop, onKeyDown }
}

interface Press<Row> extends Pick<RowSet<Row>, 'rows' | 'select' | 'tree'> {
  readonly key: string
  readonly row: Row
  readonly at: number
  move(to: Row | undefined): void
}

/** @returns whether the key means something */
function pressed<Row>({ key, row, at, rows, move, select, tree }: Press<Row>): boolean {
  switch (key) {
    case 'ArrowDown':
      move(rows[at + 1])
      return true
    case 'ArrowUp':
      move(rows[at - 1])
      return true
    case 'Home':
      move(rows[0])
      return true
    case 'End':
      move(rows.at(-1))
      return true
    case 'Enter':
    case ' ':
      select?.(row)
      return select !== undefined
    case 'ArrowRight':
      if (tree?.isOpen(row) === false) tree.toggle(row)
      else if (tree?.isOpen(row) === true) move(rows[at + 1])
      return tree !== undefined
    case 'ArrowLeft':
      if (tree?.isOpen(row) === true) tree.toggle(row)
      else if (tree !== undefined) {
        const level = tree.level(row)
        move(rows.slice(0, at).findLast((one) => tree.level(one) < level))
      }
      return tree !== undefined
    default:
      return false
  }
}
