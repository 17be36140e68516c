import { InvalidDurationError, runAllWorkers } from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { expect, test } from 'vitest'
import { begunRuns } from '../../packages/runutil/src/core/begun-runs.ts'
import { loopMonitor } from '../../packages/runutil/src/ops/probes/loop-monitor.ts'
import { Child } from '../support/child.ts'
import { capturedLogger } from '../support/logs.ts'

const program = (way: string): Child => new Child('ops/programs/loop', way)

test('a process whose loop is blocked is killed, and says who blocks it; one that was only suspended is not', async () => {
  const suspended = program('none')
  await suspended.printed('turns')
  suspended.kill('SIGSTOP')
  const blocked = program('javascript')
  await blocked.printed('blocked')
  const { code, signal, lines } = await blocked.exit
  // For longer than a second, since the other one was blocked for so long.
  suspended.kill('SIGCONT')
  expect([code, signal]).toEqual([null, 'SIGKILL'])
  const [line] = lines.filter((one) => one.startsWith('loopMonitor'))
  expect(line).toContain(
    'the event loop has been blocked for 1 s: /Blocker is running, at blockForever (file:///',
  )
  expect(line).toMatch(/programs\/loop\.js:\d+:\d+\).*; the process is killed$/)
  // It still watches, and its program goes on for longer than the limit.
  expect(await suspended.exit).toMatchObject({ code: 0, lines: expect.arrayContaining(['ended']) as unknown })
})

test('a process that is blocked in native code says whose run began last', async () => {
  const { signal, lines } = await program('native').exit
  expect(signal).toBe('SIGKILL')
  expect(lines).toContain(
    'loopMonitor: the event loop has been blocked for 1 s: the run that began last is of /Blocker; the process is killed',
  )
})

test('it ends with its run, and leaves nothing behind', async () => {
  const stop = new AbortController()
  const clock = new VirtualClock()
  const run = runAllWorkers([loopMonitor()], stop.signal, { clock, logger: capturedLogger().logger })
  await clock.advance(0)
  expect(begunRuns.listener).toBeDefined()
  stop.abort()
  await run
  expect(begunRuns.listener).toBeUndefined()
})

test('shorter limits than a second are refused', () => {
  expect(() => loopMonitor({ exitAfter: '999ms' })).toThrow(InvalidDurationError)
  expect(() => loopMonitor({ exitAfter: '999ms' })).toThrow(
    'loopMonitor: exitAfter: expected at least 1 s; got 999 ms',
  )
})
