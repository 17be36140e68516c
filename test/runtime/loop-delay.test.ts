import { wait } from 'runutil'
import { describe, expect, it } from 'vitest'
import { isBlocked } from '../../packages/runutil/src/runtime/loop-delay.ts'
import { Child } from '../support/child.ts'

describe('a late event loop', () => {
  it.each([
    ['was blocked if it was busy', { maxMs: 1_500, activeMs: 1_450, isDebugged: false }, true],
    ['is not worth a warning below a second', { maxMs: 900, activeMs: 900, isDebugged: false }, false],
    [
      'was not blocked if the process was suspended',
      { maxMs: 60_000, activeMs: 300, isDebugged: false },
      false,
    ],
    [
      'is not reported while a debugger is attached',
      { maxMs: 60_000, activeMs: 60_000, isDebugged: true },
      false,
    ],
  ])('%s', (_, sample, blocked) => {
    expect(isBlocked(sample)).toBe(blocked)
  })
})

describe.concurrent('a process', () => {
  it('whose event loop was blocked logs for how long, and which workers ran', async () => {
    const child = new Child('runtime/programs/blocked-loop', '1500')
    await child.printed('the event loop was blocked for up to')
    child.kill('SIGTERM')
    const { lines } = await child.exit
    const [line] = lines.filter((text) => text.includes('the event loop was blocked'))
    expect(line).toContain('/Blocking')
    expect(line).not.toContain('/Never')
  })

  it('that was suspended reports no blocked event loop', async () => {
    const child = new Child('runtime/programs/blocked-loop', '0')
    await child.printed('started')
    child.kill('SIGSTOP')
    await wait('2s')
    child.kill('SIGCONT')
    // By then it has checked the event loop.
    await child.printed('eleven seconds')
    child.kill('SIGTERM')
    const { lines } = await child.exit
    expect(lines.filter((text) => text.includes('the event loop was blocked'))).toEqual([])
  })

  it('tells a run nothing of what blocked the loop before it began', async () => {
    const child = new Child('runtime/programs/blocked-loop', '1500', 'before')
    // By then it has checked the event loop.
    await child.printed('eleven seconds')
    child.kill('SIGTERM')
    const { lines } = await child.exit
    expect(lines.filter((text) => text.includes('the event loop was blocked'))).toEqual([])
  })
})
