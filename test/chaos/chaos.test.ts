import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const inRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const TEST_TIMEOUT_MS = 300_000
/** In seconds: so that it still has time to say what it was waiting for. */
const GIVEN_UP_AFTER = '240'

/** Runs the program. @returns its exit code, all it printed, and the numbers of its table */
async function chaos(
  ...args: string[]
): Promise<{ code: number; printed: string; numbers: Map<string, number> }> {
  const program = spawn(process.execPath, ['--import', 'tsx', inRoot('test/chaos/main.ts'), ...args], {
    cwd: inRoot(''),
    env: { ...process.env, TSX_TSCONFIG_PATH: inRoot('tsconfig.json') },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  for (const stream of [program.stdout, program.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (printed += text))
  }
  const [code] = (await once(program, 'close')) as [number]
  const rows = [...printed.matchAll(/^(\S.*?) {2,}([\d,]+)(?: {2}|$)/gm)]
  return {
    code,
    printed,
    numbers: new Map(rows.map((row) => [row[1]!, Number(row[2]!.replaceAll(',', ''))])),
  }
}

const JOBS = 500
const KILLS = 6

it(
  'drains a queue while workers, connections and servers fail in every known way, and accounts for each run',
  async () => {
    const { code, printed, numbers } = await chaos(
      '--jobs',
      String(JOBS),
      '--kills',
      String(KILLS),
      '--timeout',
      GIVEN_UP_AFTER,
    )
    const number = (what: string): number | undefined => numbers.get(what)
    console.log(printed.split('\n', 1)[0])
    // What it printed has the seed, and is what to look at when this fails.
    expect(printed).toContain('\nall is accounted for')
    expect(code, printed).toBe(0)
    const enqueued = JOBS + 1 - number('skipped since one with the key was there')!
    expect([number('enqueued'), number('disturbance: kill')], printed).toEqual([enqueued, KILLS])
    expect(number('disturbance: failover'), printed).toBe(1)
    expect(number('done')! + number('failed')! + number('panicked')!, printed).toBe(enqueued)
    for (const none of [
      'lost: not there, or not ended',
      'settled by a stale worker (by what handlers saw)',
      'settled by a stale worker (by the database)',
      'unexplained reruns',
      'overlapping runs of one job under live leases',
      'crashes counted by the process itself',
      'crashes counted for no known reason',
      'innocents punished',
      'claimed beyond a limit that a live version gives the kind',
      'blocked for ever',
      'run before a dependency',
      'run though a dependency had failed',
      'two of one unique key at once',
      'two of one unique key running at once',
      'rows left in job_claims',
      'rows left in job_slots',
      'processes left',
    ]) {
      expect(number(none), `${none}\n${printed}`).toBe(0)
    }
    for (const some of [
      'jobs that ran more than once',
      'worker processes killed by a job',
      'crashes counted',
      'claims of a kind that some versions limit',
      'of which failed with one of those',
      'skipped since one with the key was there',
    ]) {
      expect(number(some), `${some}\n${printed}`).toBeGreaterThan(0)
    }
    expect(number('most of the kind at once'), printed).toBeLessThanOrEqual(3)
    expect(number('most of one key at once'), printed).toBe(1)
  },
  TEST_TIMEOUT_MS,
)
