import {
  LOGGER,
  type Runnable,
  WorkerGroupError,
  currentName,
  namedWorker,
  provideWorker,
  runAllWorkers,
  runProvidedWorkers,
} from 'runutil'
import { container as root } from 'tsyringe'
import { describe, expect, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { failureOf } from '../support/outcome.ts'
import { Thing, grouped, keeper, runBriefly } from '../support/runtime/keeper.ts'

const { logger } = capturedLogger()

describe('concurrent runs on one container', () => {
  test('have separate instances, each disposed of with its run', async () => {
    const container = root.createChildContainer()
    const kept: Thing[][] = []
    const group = grouped(keeper(kept), Thing)
    const one = new AbortController()
    const two = new AbortController()
    const runs = [one, two].map(({ signal }) => runProvidedWorkers(container, signal, { group, logger }))
    const [a, b] = kept.map(([thing]) => thing!)
    expect(a).not.toBe(b)
    one.abort()
    await runs[0]
    expect([a!.disposed, b!.disposed]).toEqual([1, 0])
    two.abort()
    await runs[1]
    expect([a!.disposed, b!.disposed]).toEqual([1, 1])
  })
})

describe('within another run', () => {
  test('errors, names and logs have the full path', async () => {
    const names: string[] = []
    class Inner {
      workers = (): Runnable[] => [
        {
          name: 'Leaf',
          worker: () => {
            names.push(currentName())
            throw new Error('deep')
          },
        },
      ]
    }
    const group = grouped(Inner)
    const container = root.createChildContainer()
    const outer = namedWorker((signal) => runProvidedWorkers(container, signal, { group }), 'Outer')
    const error = await failureOf<WorkerGroupError>(runAllWorkers([outer], undefined, { logger }))
    expect(names).toEqual(['/Outer/Inner/Leaf'])
    expect((error.errors[0] as WorkerGroupError).workers).toEqual(['/Outer/Inner/Leaf'])
  })

  test('LOGGER is the root logger of the current run, even after an earlier run', async () => {
    const kept: unknown[][] = []
    const group = grouped(keeper(kept as Thing[][]), LOGGER)
    const container = root.createChildContainer()
    const one = capturedLogger().logger
    const two = capturedLogger().logger
    await runBriefly(container, group, { logger: one })
    await runBriefly(container, group, { logger: two })
    expect(kept[0]![0]).toBe(one)
    expect(kept[1]![0]).toBe(two)
  })
})

test('an invalid option or signal is rejected before anything is created', async () => {
  const made: Thing[][] = []
  const group = grouped(keeper(made), Thing)
  const container = root.createChildContainer()
  const bad: [unknown, object][] = [
    [undefined, { group, grace: 'soon' }],
    [undefined, { group, clock: {} }],
    [undefined, { group, logger: {} }],
    [undefined, { group, gruop: 'a' }],
    [new AbortController(), { group }],
  ]
  for (const [signal, options] of bad) {
    const error = await failureOf(runProvidedWorkers(container, signal as never, options))
    expect(error).toHaveProperty('code', expect.stringMatching(/^ERR_INVALID_/))
  }
  expect(made).toEqual([])
})

test('a class that is both decorated and provided, here and in the parent, runs once', async () => {
  const parent = root.createChildContainer()
  const child = parent.createChildContainer()
  const kept: Thing[][] = []
  const type = keeper(kept)
  const group = grouped(type, Thing)
  for (const container of [parent, child]) provideWorker(container, type as never)
  await runBriefly(child, group)
  expect(kept).toHaveLength(1)
})
