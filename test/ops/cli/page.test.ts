import { stripVTControlCharacters } from 'node:util'
import { migrate, openDatabase } from 'runutil/postgres'
import { VirtualClock } from 'runutil/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PicturedProgram, picturedProgram } from '../../support/ops/pictured-program.ts'
import { runCommand } from '../../support/ops/test-terminal.ts'
import { type FreshDatabase, freshDatabase } from '../../support/postgres/databases.ts'
import { dialoguesOf } from '../../support/readme/page.ts'

/** The database that the page names. */
const DATABASE = 'postgres://localhost/shop'
/** When the page asks about cron patterns: the night before the clocks change. */
const CRON_AT = Date.UTC(2030, 2, 29, 12)

let program: PicturedProgram
let database: FreshDatabase

beforeAll(async () => {
  program = await picturedProgram()
  database = await freshDatabase()
  const opened = await openDatabase(database.url)
  await migrate(opened)
  await opened.close()
})
afterAll(async () => {
  await program.end()
  await database.drop()
})

// One after the other, as on the page: a kind that was paused is paused for the doctor too.
test.each(dialoguesOf('docs/command.md'))('$ $command', async ({ command, prints }) => {
  expect(normalised(await printedBy(command, prints))).toEqual(normalised(prints))
})

/** What a command prints, with what it asks and is answered. */
async function printedBy(line: string, prints: readonly string[]): Promise<string[]> {
  const words = Array.from(line.matchAll(/'([^']*)'|(\S+)/g), ([, quoted, plain]) => quoted ?? plain!)
  const argv = words.slice(2, words.includes('|') ? words.indexOf('|') : undefined)
  const given = argv.map((word) => (word === DATABASE ? database.url : word))
  const env = { RUNUTIL_URL: program.url, RUNUTIL_OPS_TOKEN: program.token, NO_COLOR: '1' }
  const clock = argv[0] === 'cron' ? new VirtualClock({ now: CRON_AT }) : program.clock
  const isAsked = prints.some((text) => text.endsWith('[y/N] y'))
  const terminal = isAsked ? { answer: 'y\n', size: [200, 50] as const } : {}
  const { out, err } = await runCommand(given, { env, clock, ...terminal })
  // A terminal shows what is typed into it.
  return `${stripVTControlCharacters(err)}${out}`.split(/\r?\n/).filter((text) => text !== '')
}

/** Without what is another thing each time, or on each machine. */
function normalised(lines: readonly string[]): string[] {
  return lines.map((line) =>
    line
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'ID')
      .replace(/; memory [\d.,]+ [KMG]iB(, loop p99 [\d.]+ \S+)?$/, '; memory')
      .replaceAll(/(?<!(Fri|Sat|Sun|Mon) )\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'TIME')
      .replace(/--after \S+$/, '--after NEXT')
      .replace(/ Node \d+\.\d+\.\d+$/, ' Node'),
  )
}
