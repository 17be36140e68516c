import { ActionFailedError, ErrNoWorker, WorkerLostError } from 'runutil/dispatch'
import { Probe } from 'runutil/testing'
import { describe, expect, it } from 'vitest'
import { capturedLogger, withLogger } from '../support/logs.ts'
import { running } from '../support/dispatch/running-manager.ts'
import { failureOf, untilAbort } from '../support/outcome.ts'

describe('a handler that throws', () => {
  it('fails its action, takes its worker out and fails what waits behind it', async () => {
    const { manager, stop } = await running()
    const gate = new AbortController()
    const broken = new Error('the device fell off')
    const { ready } = manager.workers.register('host', 'target', async () => {
      await untilAbort(gate.signal)
      throw broken
    })
    await ready
    const [first, second, third] = [1, 2, 3].map((input) => manager.do('target', input))
    await first
    gate.abort()
    expect(await failureOf(first!.completed)).toBe(broken)
    const behind = await failureOf(second!.completed)
    expect(behind).toBeInstanceOf(WorkerLostError)
    expect(behind.message).toBe('worker lost')
    const ids = await Promise.all([first, second, third])
    const actions = await Promise.all(ids.map((id) => manager.actions.get(id!)))
    expect(actions.map((action) => [action!.status, action!.error])).toEqual([
      ['failed', 'the device fell off'],
      ['failed', 'worker lost'],
      ['failed', 'worker lost'],
    ])
    expect(manager.workers.find('target')).toBeUndefined()
    expect(await failureOf(manager.do('target', 4))).toBeInstanceOf(ErrNoWorker)
    manager.workers.register('host', 'target', () => {})
    expect((await manager.do('target', 5).completed).status).toBe('succeeded')
    await stop()
  })

  it('is logged where the worker is, as the only one who learns of it there', async () => {
    const { manager, stop } = await running()
    const { logger, lines } = capturedLogger()
    withLogger(logger, () =>
      manager.workers.register('host', 'phone-7', () => Promise.reject(new Error('the device fell off'))),
    )
    await failureOf(manager.do('phone-7', 1).completed)
    expect(lines).toMatchObject([
      {
        level: 40,
        msg: 'worker for target phone-7 is not live: its handler threw; register it again when the target works',
        err: { message: 'the device fell off' },
      },
    ])
    await stop()
  })

  it('because its worker was closed is not logged', async () => {
    const { manager, stop } = await running()
    const { logger, lines } = capturedLogger()
    const registration = withLogger(logger, () =>
      manager.workers.register('host', 'phone-7', async (_, signal) => {
        await untilAbort(signal)
        throw new Error('interrupted')
      }),
    )
    const submission = manager.do('phone-7', 1)
    await submission
    await registration.close()
    expect((await failureOf(submission.completed)).message).toBe('interrupted')
    expect(lines).toEqual([])
    await stop()
  })

  it('rejects completed, which nobody has to look at', async () => {
    const { manager, stop } = await running()
    manager.workers.register('host', 'target', () => Promise.reject(new Error('broken')))
    const unhandled = new Probe<unknown>('unhandled')
    const onUnhandled = (error: unknown): void => unhandled.hit(error)
    process.on('unhandledRejection', onUnhandled)
    await manager.do('target', 1)
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', onUnhandled)
    expect(unhandled.values).toEqual([])
    await stop()
  })

  it('after it has said itself how the action ended changes nothing of that', async () => {
    const { manager, ledger, clock, stop } = await running()
    const changes = new Probe<string>('changes')
    const { off } = await ledger.follow(({ record }) => changes.hit(`${record.status} ${record.error}`))
    manager.workers.register('host', 'target', async ({ action }) => {
      await manager.update({ id: action, status: 'failed', error: 'disk full' })
      throw new Error('and so on')
    })
    expect((await failureOf(manager.do('target', 1).completed)).message).toBe('disk full')
    // It throws only afterwards.
    await clock.advance(0)
    await manager.workers.register('host', 'target', async ({ action }) => {
      await manager.update({ id: action, status: 'succeeded' })
    }).ready
    await manager.do('target', 2).completed
    await off()
    await stop()
    expect(changes.values).toEqual([
      'running undefined',
      'failed disk full',
      'running undefined',
      'succeeded undefined',
    ])
  })

  it('leaves its target to another at once', async () => {
    const { manager, stop } = await running()
    manager.workers.register('host', 'target', () => Promise.reject(new Error('broken')))
    await failureOf(manager.do('target', 1).completed)
    manager.workers.register('host', 'target', () => {})
    expect((await manager.do('target', 2).completed).status).toBe('succeeded')
    await stop()
  })

  it('by its own word may have failed otherwise', async () => {
    const { manager, stop } = await running()
    manager.workers.register('host', 'target', async ({ action }) => {
      await manager.update({ id: action, status: 'failed', error: 'no such page' })
    })
    const error = await failureOf(manager.do('target', 1).completed)
    expect(error).toBeInstanceOf(ActionFailedError)
    expect(error.message).toBe('no such page')
    expect(manager.workers.find('target')).toEqual({ host: 'host', target: 'target' })
    await stop()
  })
})
