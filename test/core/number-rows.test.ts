import { expect, test } from 'vitest'
import { type NumberRow, numberRows } from '../../packages/runutil/src/core/number-rows.ts'

/** Sets the number at that place of the row, by the shorts that it consists of. */
function setByShorts({ shorts, at }: NumberRow, place: number, value: number): void {
  shorts.set(new Uint16Array(new Float64Array([value]).buffer), (at + place) * 4)
}

test('rows begin with zeros, and none has a number of another', () => {
  const newRow = numberRows(3)
  const rows = Array.from({ length: 200 }, newRow)
  const own = ({ numbers, at }: NumberRow): number[] => [...numbers.subarray(at, at + 3)]
  for (const row of rows) expect(own(row)).toEqual([0, 0, 0])
  for (const [n, row] of rows.entries()) {
    row.numbers.set([n, n + 0.5], row.at)
    setByShorts(row, 2, -n)
  }
  for (const [n, row] of rows.entries()) expect(own(row)).toEqual([n, n + 0.5, -n])
})
