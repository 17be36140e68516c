import { AsyncLocalStorage } from 'node:async_hooks'
import { DeadlineExceededError } from 'runutil/queue'
import { expect, it } from 'vitest'
import { freshWorker } from '../support/queue/fresh-worker.ts'
import { ScriptedHandler } from '../support/queue/scripted-handler.ts'

const storage = new AsyncLocalStorage<string>()

it('a handler hears of its deadline, and of a stop, in the stores of its worker, whoever caused it', async () => {
  const script = new ScriptedHandler()
  const options = { limits: { deadline: '2s' }, concurrency: 2 }
  const { clock, enqueue, run } = freshWorker(script.handle, options)
  const { abort, stop } = await storage.run('of the worker', () => run())
  const seen: unknown[] = []
  const listen = async (id: string): Promise<void> => {
    await storage.run('of who enqueues', () => enqueue(id))
    const { signal } = await script.call(id)
    signal.addEventListener('abort', () => seen.push([id, storage.getStore()]))
  }
  await listen('1')
  await storage.run('of who moves time', () => clock.advance('2s'))
  expect((await script.call('1')).signal.reason).toBeInstanceOf(DeadlineExceededError)
  await listen('2')
  await storage.run('of who stops it', () => abort())
  expect(seen).toEqual([
    ['1', 'of the worker'],
    ['2', 'of the worker'],
  ])
  for (const call of script.calls.values) call.return()
  await stop()
})
