import { cpus, totalmem } from 'node:os'

/** When and on what the numbers below were taken. */
export function printMachine(): void {
  const model = cpus()[0]?.model ?? 'unknown processor'
  const memory = Math.round(totalmem() / 2 ** 30)
  const date = new Date().toISOString().slice(0, 10)
  console.log(`${date}, Node ${process.version}, ${cpus().length} × ${model}, ${memory} GiB\n`)
}

/** A Markdown table, so that a run can be copied into the README. */
export function printTable(
  title: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  console.log(`**${title}**\n\n${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n`)
}
