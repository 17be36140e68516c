export type SortValue = string | number | boolean | undefined

export interface SortColumn<Row> {
  readonly name: string
  sortBy?(row: Row): SortValue
}

/** @param sort 'name', or '-name' for the greatest first; unknown: as they are. What isn't known comes last. */
export function sorted<Row>(
  rows: readonly Row[],
  columns: readonly SortColumn<Row>[],
  sort: string | undefined,
): readonly Row[] {
  const sign = sort?.startsWith('-') === true ? -1 : 1
  const column = columns.find(({ name }) => name === sort?.replace(/^-/, ''))
  const sortBy = column?.sortBy?.bind(column)
  if (sortBy === undefined) return rows
  return rows
    .map((row) => ({ row, value: sortBy(row) }))
    .sort((a, b) => compared(a.value, b.value, sign))
    .map(({ row }) => row)
}

function compared(a: SortValue, b: SortValue, sign: number): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined)
  if (typeof a === 'string' && typeof b === 'string')
    return sign * a.localeCompare(b, 'en', { numeric: true })
  return sign * (Number(a) - Number(b))
}
