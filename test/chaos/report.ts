/** One line of the account. */
export interface Finding {
  readonly what: string
  readonly count: number
  /** Those that there are, of what mustn't be. */
  readonly mustBeNone?: readonly string[]
  readonly atMost?: number
}

const MOST_NAMED = 10

/** Of what mustn't be. */
export function none(what: string, found: readonly string[]): Finding {
  return { what, count: found.length, mustBeNone: found }
}

export function isWrong({ count, mustBeNone, atMost = Infinity }: Finding): boolean {
  return (mustBeNone !== undefined && count !== 0) || count > atMost
}

/** The account as a table, and beneath it the first of each thing that mustn't be. */
export function printReport(findings: readonly Finding[]): void {
  const width = Math.max(...findings.map(({ what }) => what.length))
  for (const finding of findings) {
    const count = finding.count.toLocaleString('en').padStart(9)
    console.log(`${finding.what.padEnd(width)}  ${count}  ${bound(finding)}`.trimEnd())
  }
  for (const finding of findings.filter(isWrong)) {
    for (const one of finding.mustBeNone?.slice(0, MOST_NAMED) ?? []) console.log(`  ${finding.what}: ${one}`)
  }
}

function bound(finding: Finding): string {
  const { mustBeNone, atMost } = finding
  if (mustBeNone === undefined && atMost === undefined) return ''
  return `${isWrong(finding) ? 'WRONG' : 'ok'}: ${atMost === undefined ? 'must be 0' : `at most ${atMost}`}`
}
