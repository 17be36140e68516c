import { loadavg } from 'node:os'
import { median, ratio } from '../measure.ts'
import { printTable } from '../table.ts'
import type { Bench, Measure } from './cases.ts'
import type { ContenderName } from './contenders.ts'

/** A column's title, and how its cells are measured. */
export type Columns = Readonly<Record<string, Measure<number>>>

type Measured = Map<string, Map<ContenderName, number[]>>

/** Measures the columns for all contenders in turn, round by round, and prints medians and ratios within the rounds. */
export async function compare(
  title: string,
  bench: Bench,
  { contenders, rounds }: { contenders: readonly ContenderName[]; rounds: number },
  columns: readonly (readonly [title: string, measure: Measure<number>])[],
  digits = 0,
): Promise<void> {
  const measured: Measured = new Map()
  for (let round = 0; round < rounds; round++) {
    for (const [column, measure] of columns) {
      for (const contender of contenders) {
        const value = await measure(bench, contender)
        if (value === undefined) continue
        const cells = measured.get(column) ?? new Map<ContenderName, number[]>()
        measured.set(column, cells.set(contender, [...(cells.get(contender) ?? []), value]))
        const load = loadavg()[0]!.toFixed(1)
        console.error(`${title}, ${column}, ${contender}: ${value.toFixed(digits)} (load ${load})`)
      }
    }
  }
  print(
    title,
    contenders,
    columns.map(([column]) => column),
    measured,
    digits,
  )
}

function print(
  title: string,
  contenders: readonly ContenderName[],
  columns: readonly string[],
  measured: Measured,
  digits: number,
): void {
  const cells = (contender: ContenderName, column: string): [string, string] => {
    const values = measured.get(column)?.get(contender)
    if (values === undefined) return ['–', '–']
    const ours = measured.get(column)!.get('runutil')
    const value = median(values).toLocaleString('en', { maximumFractionDigits: digits })
    return [value, ours === undefined ? '–' : ratio(ours, values).toFixed(2)]
  }
  printTable(
    title,
    ['contender', ...columns.flatMap((column) => [column, 'runutil to it'])],
    contenders.map((contender) => [contender, ...columns.flatMap((column) => cells(contender, column))]),
  )
}
