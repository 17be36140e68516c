/** How rows lie in each other. The rows are given in their order, without those that are folded away. */
interface TreeRows<Row> {
  /** From 1 on. */
  level(row: Row): number
  /** Undefined: it has nothing beneath it. */
  isOpen(row: Row): boolean | undefined
  toggle(row: Row): void
}

/** The rows of a table, and what can be done with them. */
export interface RowSet<Row> {
  readonly rows: readonly Row[]
  keyOf(row: Row): string
  /** Given, rows can be selected: by a click, or by Enter. */
  select?: ((row: Row) => void) | undefined
  readonly selected?: string | undefined
  readonly tree?: TreeRows<Row> | undefined
}
