import { expect, test } from 'vitest'
import { SerialQueue } from '../../packages/runutil/src/core/serial-queue.ts'

/** A task that records that it has begun, and ends when `end` is called. */
function task(begun: string[], name: string) {
  let end: (error?: Error) => void
  const ended = new Promise<string>((resolve, reject) => {
    end = (error) => (error === undefined ? resolve(name) : reject(error))
  })
  const run = (): Promise<string> => {
    begun.push(name)
    return ended
  }
  return { run, end: end! }
}

test('tasks of a serial queue run one at a time, in the order of the calls, even after one has failed', async () => {
  const queue = new SerialQueue()
  const begun: string[] = []
  const a = task(begun, 'a')
  const b = task(begun, 'b')
  const c = task(begun, 'c')
  const results = Promise.allSettled([queue.run(a.run), queue.run(b.run), queue.run(c.run)])
  expect(begun).toEqual(['a'])
  b.end()
  a.end(new Error('a failed'))
  await new Promise(setImmediate)
  expect(begun).toEqual(['a', 'b', 'c'])
  c.end()
  expect(await results).toMatchObject([{ reason: { message: 'a failed' } }, { value: 'b' }, { value: 'c' }])
})

test('tasks of different keys of a serial queue do not wait for each other', async () => {
  const queue = new SerialQueue()
  const begun: string[] = []
  const a = task(begun, 'a')
  const b = task(begun, 'b')
  const c = task(begun, 'c')
  const results = [queue.run(a.run, 'x'), queue.run(b.run, 'x'), queue.run(c.run, 'y')]
  expect(begun).toEqual(['a', 'c'])
  for (const { end } of [a, b, c]) end()
  expect(await Promise.all(results)).toEqual(['a', 'b', 'c'])
})

test('a task of an idle serial queue begins immediately', () => {
  const begun: string[] = []
  const first = task(begun, 'first')
  void new SerialQueue().run(first.run)
  expect(begun).toEqual(['first'])
})
