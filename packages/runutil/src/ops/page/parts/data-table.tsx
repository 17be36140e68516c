import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { count } from '../../format.ts'
import { usePage } from '../page-context.ts'
import { type SortValue, sorted } from './sorting.ts'
import type { RowSet } from './row-set.ts'
import { useRowFocus } from './use-row-focus.ts'

export interface Column<Row> {
  readonly name: string
  readonly title: string
  cell(row: Row): ComponentChildren
  /** What it is sorted by, when its title is clicked. */
  sortBy?(row: Row): SortValue
  /** Numbers stand at the end. */
  readonly isNumber?: boolean
  /** Takes what width is left. */
  readonly isWide?: boolean
  /** Left out where there is little room, since the details have it. */
  readonly isExtra?: boolean
}

export interface DataTableProps<Row> extends RowSet<Row> {
  /** What it is a table of, for screen readers. */
  readonly label: string
  readonly columns: readonly Column<Row>[]
}

/** What changes each second costs a browser more, the more of it there is. */
const MOST_ROWS = 250

/**
 * A table that is used by keyboard: arrows go from row to row, Enter selects. In a narrow place, each row becomes a block. The order is
 * in the address, as `sort=name` or `sort=-name`.
 */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { label, columns, keyOf, tree, select } = props
  const { sort } = usePage().route.fields
  const [isWhole, setWhole] = useState(false)
  const all = tree === undefined ? sorted(props.rows, columns, sort) : props.rows
  const rows = isWhole || all.length <= MOST_ROWS ? all : all.slice(0, MOST_ROWS)
  const focus = useRowFocus({ ...props, rows })
  const role = tree !== undefined ? 'treegrid' : select !== undefined ? 'grid' : 'table'
  return (
    <div class="table-box">
      <table role={role} aria-label={label} class={select === undefined ? 'table' : 'table selectable'}>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <HeadCell key={column.name} column={column} canSort={tree === undefined} />
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup" onKeyDown={focus.onKeyDown}>
          {rows.map((row) => (
            <DataRow key={keyOf(row)} row={row} table={props} isTabStop={focus.isTabStop(row)} />
          ))}
        </tbody>
      </table>
      {rows.length < all.length && (
        <p class="rest">
          <button type="button" onClick={() => setWhole(true)}>
            Show {count(all.length - rows.length)} more
          </button>
        </p>
      )}
    </div>
  )
}

function HeadCell<Row>({ column, canSort }: { readonly column: Column<Row>; readonly canSort: boolean }) {
  const { route, go } = usePage()
  const { name, title, isNumber, sortBy } = column
  const { sort } = route.fields
  const classes = classesOf(column)
  if (sortBy === undefined || !canSort) {
    return (
      <th role="columnheader" scope="col" class={classes}>
        {title}
      </th>
    )
  }
  const order = sort === name ? 'ascending' : sort === `-${name}` ? 'descending' : 'none'
  // Of numbers the greatest come first, then the least, then the order that they came in.
  const orders = isNumber === true ? [`-${name}`, name, ''] : [name, `-${name}`, '']
  const next = orders[orders.indexOf(sort ?? '') + 1] ?? orders[0]!
  return (
    <th role="columnheader" scope="col" class={classes} aria-sort={order}>
      <button
        type="button"
        class="sort"
        onClick={() => go({ fields: { ...route.fields, sort: next } }, true)}
      >
        {title}
        <span aria-hidden="true">{order === 'ascending' ? ' ↑' : order === 'descending' ? ' ↓' : ''}</span>
      </button>
    </th>
  )
}

interface DataRowProps<Row> {
  readonly row: Row
  readonly table: DataTableProps<Row>
  readonly isTabStop: boolean
}

function DataRow<Row>({ row, table, isTabStop }: DataRowProps<Row>) {
  const { columns, keyOf, select, selected, tree } = table
  const isGrid = tree !== undefined || select !== undefined
  const onClick = (event: MouseEvent): void => {
    // What is in a row may do something else, and text can be marked.
    const isOther = (event.target as Element).closest('a, button, input, summary, details') !== null
    if (!isOther && getSelection()?.isCollapsed !== false) select?.(row)
  }
  return (
    <tr
      role="row"
      data-key={keyOf(row)}
      tabIndex={isGrid ? (isTabStop ? 0 : -1) : undefined}
      aria-selected={select === undefined ? undefined : keyOf(row) === selected}
      aria-level={tree?.level(row)}
      aria-expanded={tree?.isOpen(row)}
      onClick={select === undefined ? undefined : onClick}
    >
      {columns.map((column) => (
        <td
          key={column.name}
          role={isGrid ? 'gridcell' : 'cell'}
          data-title={column.title}
          class={`${column.name} ${classesOf(column)}`}
        >
          {column.cell(row)}
        </td>
      ))}
    </tr>
  )
}

function classesOf<Row>({ isNumber, isWide, isExtra }: Column<Row>): string {
  return [isNumber === true && 'number', isWide === true && 'wide', isExtra === true && 'extra']
    .filter((one) => one !== false)
    .join(' ')
}
