import { AsyncLocalStorage } from 'node:async_hooks'
import fc from 'fast-check'
import { type Logger, pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { backoff, retry, runAllWorkers, wait } from 'runutil'
import { VirtualClock } from 'runutil/testing'

interface Scenario {
  runs: { length: number; outcome: 'throw' | 'return' }[]
  initial: number
  max: number
  abortAt: number
  logger: keyof typeof loggers
}

/** Loggers, most of them broken, which must not affect the retries. */
const loggers = {
  good: (write: (line: string) => void) => pino({}, { write }),
  'a serializer that throws': () => pino({ serializers: { err: fail } }, { write: () => {} }),
  'a stream that throws': () => pino({}, { write: fail }),
  'no children': () => Object.assign(pino({}, { write: () => {} }), { child: fail }),
  'methods that throw': () => ({ child: () => ({ warn: fail }) }) as unknown as Logger,
}

function fail(): never {
  throw new Error('cannot log')
}

const scenario = fc.record<Scenario>({
  runs: fc.array(
    fc.record({ length: fc.integer({ min: 0, max: 200 }), outcome: fc.constantFrom('throw', 'return') }),
    { maxLength: 10 },
  ),
  initial: fc.integer({ min: 1, max: 50 }),
  max: fc.integer({ min: 1, max: 100 }),
  abortAt: fc.integer({ min: 0, max: 1_500 }).map((at) => at + 0.5),
  logger: fc.constantFrom(...(Object.keys(loggers) as (keyof typeof loggers)[])),
})

const storage = new AsyncLocalStorage<string>()

describe('retry against its model', () => {
  it('starts at the same times in its own async context, logs the same attempts, and ends with the abort', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        expect(await runScenario(given)).toEqual(model(given))
      }),
      { numRuns: 1_000 },
    )
  })
})

async function runScenario({ runs, initial, max, abortAt, logger }: Scenario) {
  const clock = new VirtualClock({ auto: true })
  const controller = new AbortController()
  storage.run('of another', () => clock.setTimeout(() => controller.abort(), abortAt))
  const attempts: number[] = []
  const write = (line: string): void => {
    const { attempt } = JSON.parse(line) as { attempt?: number }
    if (attempt !== undefined) attempts.push(attempt)
  }
  const starts: number[] = []
  const worker = async (signal: AbortSignal): Promise<void> => {
    const run = runs[starts.length]
    starts.push(clock.elapsed())
    expect(storage.getStore()).toBe('own')
    if (run?.outcome === 'return') storage.enterWith('entered')
    await wait(run?.length ?? 10_000, signal)
    if (run?.outcome === 'throw') throw new Error('failed')
  }
  const retried = retry(worker, backoff({ initial, max }))
  const options = { clock, logger: loggers[logger](write) }
  await storage.run('own', () => runAllWorkers([retried], controller.signal, options))
  return { starts, attempts, endedAt: clock.elapsed() }
}

function model({ runs, initial, max, abortAt, logger }: Scenario) {
  const starts: number[] = []
  const attempts: number[] = []
  let failures = 0
  for (let now = 0; now < abortAt;) {
    const run = runs[starts.length]
    starts.push(now)
    const endsAt = Math.min(abortAt, now + (run?.length ?? 10_000))
    const uptime = endsAt - now
    now = endsAt
    if (run?.outcome === 'throw') {
      failures = uptime > Math.max(10, max) ? 1 : failures + 1
      if (logger === 'good') attempts.push(failures)
      now += Math.min(max, initial * 2 ** (failures - 1))
    } else {
      failures = 0
      const shortest = Math.max(10, Math.min(max, initial))
      now += uptime < shortest ? shortest : 0
    }
  }
  return { starts, attempts, endedAt: abortAt }
}
