import { expect, it } from 'vitest'
import { freshDatabase } from '../support/postgres/databases.ts'
import { Program } from '../support/program.ts'

it('a build farm over processes loses the action of a device whose process is killed, and the next goes elsewhere', async () => {
  const { url, drop } = await freshDatabase()
  const farm = new Program({ path: 'packages/examples/src/build-farm.ts', env: { DATABASE_URL: url } })
  const { code, output, errors } = await farm.exit

  expect({ code, errors }).toEqual({ code: 0, errors: [] })
  // A busy machine may have it log that a renewal was late.
  expect(output.filter((line) => !line.startsWith('{"level"'))).toEqual([
    ...['plain', 'frozen', 'strict'].flatMap((device) => [
      `ok.mjs on ${device}: running`,
      `ok.mjs on ${device}: succeeded`,
    ]),
    'slow.mjs on strict: running',
    'slow.mjs on strict: failed, worker lost',
    'slow.mjs on frozen: running',
    'slow.mjs on frozen: succeeded',
    'stopped',
  ])
  await drop()
})
