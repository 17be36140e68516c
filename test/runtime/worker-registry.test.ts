import { afterEach, describe, expect, test, vi } from 'vitest'
import { DuplicateNameError, Worker, provideWorker } from 'runutil'
import { isolateWorkers } from 'runutil/testing'
import { fresh, names, note, runGroup } from '../support/runtime/run-group.ts'
import { failureOf } from '../support/outcome.ts'

afterEach(() => vi.resetModules())

const here = (line: string): RegExp => new RegExp(`${line}.*:\\d+`)

describe('a class with the name of another', () => {
  test('is reported with the files in which both were decorated', async () => {
    Worker({ group: 'same name' })(
      class Twin {
        workers = () => [note]
      },
    )
    const { provideTwin } = await import('./programs/twin.ts')
    const container = fresh()
    provideTwin(container, 'same name')
    const error = await failureOf<DuplicateNameError>(runGroup(container, 'same name'))
    expect(error).toBeInstanceOf(DuplicateNameError)
    expect(error.places).toEqual([
      expect.stringMatching(here('worker-registry.test.ts')),
      expect.stringMatching(here('twin.ts')),
    ])
    expect(error.message).toContain(
      `two workers of this group are named 'Twin' (in ${error.places.join(' and ')})`,
    )
  })

  test('in the same file is reported, too', async () => {
    const make = () =>
      class Twin {
        workers = () => [note]
      }
    for (const type of [make(), make()]) Worker({ group: 'same file' })(type)
    await expect(runGroup(fresh(), 'same file')).rejects.toBeInstanceOf(DuplicateNameError)
  })
})

describe('a file that is loaded a second time', () => {
  test('replaces its older class by the newer one', async () => {
    const first = await import('./programs/reloaded.ts')
    const container = fresh()
    first.provide(container)
    await new Promise((resolve) => setImmediate(resolve))
    vi.resetModules()
    const second = await import('./programs/reloaded.ts')
    expect(second.Reloaded).not.toBe(first.Reloaded)
    second.provide(container)
    await runGroup(container, 'reloaded')
    expect(second.made).toEqual(['Reloaded', 'Provided'])
    expect(first.made).toEqual([])
  })
})

describe('isolateWorkers', () => {
  const decorate = (): void =>
    void Worker({ group: 'isolated' })(
      class Isolated {
        workers = () => [note]
      },
    )

  test('hides earlier classes until its end, and then those decorated meanwhile', async () => {
    decorate()
    const end = isolateWorkers()
    expect(await runGroup(fresh(), 'isolated')).toEqual([])
    decorate()
    expect(await runGroup(fresh(), 'isolated')).toEqual(['/Isolated'])
    end()
    await expect(runGroup(fresh(), 'isolated')).resolves.toEqual(['/Isolated'])
  })

  test('keeps the name and group of a hidden class for provideWorker', async () => {
    class Hidden {
      workers = () => [note]
    }
    Worker({ group: 'isolated', name: 'Known' })(Hidden)
    const isolation = isolateWorkers()
    const container = fresh()
    provideWorker(container, Hidden)
    expect(await runGroup(container, 'isolated')).toEqual(['/Known'])
    expect(names).toEqual(['/Known'])
    isolation[Symbol.dispose]()
  })
})
