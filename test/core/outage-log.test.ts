import { expect, test } from 'vitest'
import { OutageLog } from '../../packages/runutil/src/core/outage-log.ts'
import { capturedLogger } from '../support/logs.ts'

test('an outage is logged once when it begins and once when it ends', () => {
  const { logger, lines } = capturedLogger()
  const outage = new OutageLog('look for tasks', () => logger)
  outage.succeeded()
  for (const attempt of [1, 2]) {
    outage.failed(new Error('away'), { delayMs: 50 })
    outage.failed(new Error('away'))
    outage.succeeded()
    outage.succeeded()
    expect(lines).toHaveLength(2 * attempt)
  }
  expect(lines).toMatchObject([
    { level: 40, msg: 'cannot look for tasks', err: { message: 'away' }, delayMs: 50 },
    { level: 30, msg: 'recovered: can look for tasks again' },
    { level: 40, msg: 'cannot look for tasks' },
    { level: 30, msg: 'recovered: can look for tasks again' },
  ])
})
