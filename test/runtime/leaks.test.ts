import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { compiled } from '../support/compiled.ts'

/** Runs a program in its own process, on the sources. */
function run(program: string, ...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const file = compiled(`test/runtime/programs/${program}`)
  return promisify(execFile)(process.execPath, ['--expose-gc', file, ...args])
}

describe('what a run leaves behind', () => {
  it('is no listener, timer, handle or memory after 100,000 runs', { timeout: 300_000 }, async () => {
    const { stdout } = await run('leaks.ts', '100000')
    const left = JSON.parse(stdout) as { heapGrowth: number }
    expect(left).toMatchObject({ listeners: 0, timers: 0, resources: [] })
    // A leak of a single pointer per run would be 800,000 bytes.
    expect(left.heapGrowth).toBeLessThan(700_000)
  })

  it('is no warning with 10,000 workers on one signal', { timeout: 300_000 }, async () => {
    const { stdout, stderr } = await run('crowd.ts', '10000')
    expect(stdout).toBe('10000 stopped\n')
    expect(stderr).toBe('')
  })
})
