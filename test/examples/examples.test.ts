import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { EXAMPLES, Program } from '../support/program.ts'

/** The comment at the top of an example says what it prints. */
function promised(file: string): string[] | undefined {
  const comment = /\n\/\/ prints:\n((?:\/\/ {3}.*\n)+)/.exec(readFileSync(EXAMPLES + file, 'utf8'))?.[1]
  return comment
    ?.trimEnd()
    .split('\n')
    .map((line) => line.slice('//   '.length))
}

/** Files that examples use. */
const HELPERS = ['readable-logger.ts', 'stop-later.ts']

const examples = readdirSync(EXAMPLES)
  .filter((file) => file.endsWith('.ts') && !HELPERS.includes(file))
  .map((file) => ({ file, lines: promised(file) }))

describe('an example', () => {
  it.concurrent.for(examples)('prints what its comment says and ends: $file', async ({ file, lines }) => {
    const { code, output, errors } = await new Program({ path: `packages/examples/src/${file}` }).exit

    expect({ code, output, errors }).toEqual({ code: 0, output: lines, errors: [] })
  })

  it('runs the workers of another role when told so', async () => {
    const path = 'packages/examples/src/groups-by-role.ts'
    const { output } = await new Program({ path, args: ['web'] }).exit

    expect(output).toEqual([
      'role web',
      '/PageCache/Refresh started',
      '/PageCache/Refresh pages refreshed',
      '/PageCache/Refresh stopped',
      'stopped',
    ])
  })
})
