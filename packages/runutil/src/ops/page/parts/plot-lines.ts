/** A line of a plot. */
export interface Series {
  readonly name: string
  /** Of each point; undefined: unknown, so that the line has a gap. */
  readonly values: readonly (number | undefined)[]
  /** Whether less of it would be better. */
  readonly isBad?: boolean
}

export interface Line {
  /** SVG paths in a box of 1,000 by 100, whose top is the greatest value. */
  readonly line: string
  /** The line, closed down to 0. */
  readonly area: string
}

/** 1, 1.5, 2, 3, 4, 6, 8, 10, 15 … the least of them that is no less than any value. */
export function roundMax(series: readonly Series[]): number {
  let max = 0
  for (const { values } of series) for (const value of values) max = Math.max(max, value ?? 0)
  if (max === 0) return 1
  const power = 10 ** Math.floor(Math.log10(max))
  return [1, 1.5, 2, 3, 4, 6, 8, 10].map((factor) => factor * power).find((top) => top >= max) ?? max
}

export function linesOf(times: readonly number[], series: readonly Series[], top: number): Line[] {
  const first = times[0] ?? 0
  const width = Math.max(1, (times.at(-1) ?? 0) - first)
  return series.map(({ values }) => {
    const pieces = piecesOf(values).map((piece) =>
      piece.map((at) => {
        const x = (((times[at] ?? first) - first) / width) * 1_000
        const y = 100 - (Math.min(values[at] ?? 0, top) / top) * 100
        return { x: rounded(x), y: rounded(y) }
      }),
    )
    const line = pieces.map((piece) => `M${piece.map(({ x, y }) => `${x} ${y}`).join('L')}`)
    const area = pieces.map((piece, at) => `${line[at]}L${piece.at(-1)!.x} 100L${piece[0]!.x} 100Z`)
    return { line: line.join(''), area: area.join('') }
  })
}

/** The indices of values between gaps. */
function piecesOf(values: readonly (number | undefined)[]): number[][] {
  const pieces: number[][] = []
  let piece: number[] = []
  for (const [at, value] of values.entries()) {
    if (value === undefined) piece = []
    else if (piece.push(at) === 1) pieces.push(piece)
  }
  return pieces
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}
