import { container as root } from 'tsyringe'
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  DuplicateNameError,
  ErrWorkerExitedPrematurely,
  InvalidArgumentError,
  type Runnable,
  Runtime,
  WorkerGroupError,
  WorkerHungError,
  backoff,
  currentName,
  errorIs,
  healthCheckpoint,
  healthSnapshot,
  namedWorker,
  runAllWorkers,
  runProvidedWorkers,
} from 'runutil'
import { CoordinateWorker } from 'runutil/coordinate'
import { JobQueue, QueueWorker } from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { Child } from '../support/child.ts'
import { capturedLogger } from '../support/logs.ts'
import { failureOf, untilAbort } from '../support/outcome.ts'

const { logger } = capturedLogger()

/** Loads runutil a second time, as in a program with two copies of it. */
async function anotherCopy(): Promise<typeof import('runutil')> {
  vi.resetModules()
  return import('runutil')
}

afterEach(() => process.removeAllListeners('SIGUSR2'))

describe('two copies of the package in one program', () => {
  test('find classes that were decorated or provided with the other', async () => {
    const other = await anotherCopy()
    expect(other.runProvidedWorkers).not.toBe(runProvidedWorkers)
    const seen: unknown[] = []
    class Importer {
      workers(): Runnable[] {
        return [(signal) => (seen.push([currentName(), other.currentName()]), untilAbort(signal))]
      }
    }
    class Exporter extends Importer {}
    other.Worker({ group: 'two copies' })(Importer)
    const container = root.createChildContainer()
    other.provideWorker(container, Exporter, { group: 'two copies' })
    const stop = new AbortController()
    setImmediate(() => stop.abort())
    await runProvidedWorkers(container, stop.signal, { group: 'two copies', logger })
    expect(seen).toEqual([
      ['/Importer/#0', '/Importer/#0'],
      ['/Exporter/#0', '/Exporter/#0'],
    ])
  })

  test('share the name, health and logger of a worker', async () => {
    const other = await anotherCopy()
    const seen: unknown[] = []
    const stop = new AbortController()
    const worker = async (signal: AbortSignal): Promise<void> => {
      other.healthCheckpoint()
      seen.push(currentName(), other.currentName(), healthSnapshot(), other.healthSnapshot())
      await other.runAllWorkers([namedWorker(async () => stop.abort(), 'Inner')], signal)
    }
    const label = failureOf(other.runAllWorkers([namedWorker(async () => {}, 'Named')]))
    expect((await label).message).toContain('/Named: worker /Named exited')
    await runAllWorkers([{ name: 'Outer', worker }], stop.signal, { logger })
    healthCheckpoint()
    expect(seen).toEqual(['/Outer', '/Outer', { '/Outer': 'ok' }, { '/Outer': 'ok' }])
  })

  test('recognize the shutdown signals of the other, with their grace, and remove their handlers', async () => {
    const other = await anotherCopy()
    const signal = other.shutdownSignal({ signals: ['SIGUSR2'] })
    const clock = new VirtualClock({ auto: true })
    const run = failureOf(runAllWorkers([() => new Promise(() => {})], signal, { clock, logger }))
    process.emit('SIGUSR2', 'SIGUSR2')
    await run
    expect(clock.elapsed()).toBe(30_000)
    expect(process.listenerCount('SIGUSR2')).toBe(0)
  })

  test('recognize the errors of the other, and only those', async () => {
    const other = await anotherCopy()
    const failure = await failureOf(other.runAllWorkers([async () => {}]))
    expect(failure).toBeInstanceOf(WorkerGroupError)
    expect(errorIs(failure, ErrWorkerExitedPrematurely)).toBe(true)
    expect(errorIs(failure, DuplicateNameError)).toBe(false)
    expect(other.errorIs(failure, ErrWorkerExitedPrematurely)).toBe(true)
    class OwnError extends other.InvalidArgumentError {}
    expect(new OwnError()).toBeInstanceOf(InvalidArgumentError)
    expect(new other.InvalidArgumentError()).not.toBeInstanceOf(OwnError)
    expect(new OwnError()).toBeInstanceOf(OwnError)
    for (const value of [undefined, null, 'text', {}, new Error()]) {
      expect(value).not.toBeInstanceOf(InvalidArgumentError)
    }
  })

  test('recognize every error of the other', async () => {
    const own = await import('runutil')
    const other = await anotherCopy()
    const errors = Object.entries(other).filter(([, value]) => isErrorClass(value))
    expect(errors.map(([name]) => name)).toEqual(expect.arrayContaining(['UncaughtError', 'RunTimeoutError']))
    for (const [name, type] of errors) {
      expect([name, (type as Function).prototype instanceof (own as never)[name]]).toEqual([name, true])
    }
  })

  test('never restart a worker of a supervisor of the other that hangs: it still runs', async () => {
    const other = await anotherCopy()
    let starts = 0
    const stuck: Runnable = {
      name: 'Stuck',
      watchdog: '5s',
      stopTimeout: '1s',
      worker: () => (starts++, new Promise(() => {})),
    }
    const clock = new VirtualClock({ auto: true })
    const worker = other.supervise([stuck])
    const run = runAllWorkers([{ name: 'Outer', worker, retry: backoff('1s') }], undefined, { clock, logger })
    expect(errorIs(await failureOf(run), WorkerHungError)).toBe(true)
    expect(starts).toBe(1)
  })

  test('show and control workers of a supervisor of the other, by a Runtime of either', async () => {
    const other = await anotherCopy()
    for (const runtime of [new Runtime(), new other.Runtime()]) {
      const stop = new AbortController()
      const workers: Runnable[] = [
        { name: 'Db', worker: (signal) => (other.workerReady(), untilAbort(signal)) },
        { name: 'Group', after: 'Db', worker: other.supervise([{ name: 'One', worker: untilAbort }]) },
      ]
      const run = runAllWorkers(workers, stop.signal, { logger, runtime })
      await runtime.ready()
      await runtime.restart('/Group/One')
      await runtime.stop('/Group/One')
      expect(runtime.get('/Group/One')).toMatchObject({ state: 'stopped', runs: 2 })
      await runtime.start('/Group/One')
      expect(await runtime.add('/Group', { name: 'Two', worker: untilAbort })).toBe('/Group/Two')
      await runtime.remove('/Group/Two')
      stop.abort()
      await run
    }
  })

  test('run the jobs of a queue of the other, and handle its errors', async () => {
    vi.resetModules()
    const other = await import('runutil/queue')
    expect(other.JobQueue).not.toBe(JobQueue)
    const queue = new other.JobQueue(new other.MemoryJobStore())
    const clock = new VirtualClock({ auto: true })
    const worker = new QueueWorker(queue)
    let calls = 0
    worker.register('mail', () => {
      if (++calls === 1) throw new other.RetryableError({ cause: new Error('busy') })
      return 'sent'
    })
    const stop = new AbortController()
    const run = runAllWorkers([worker], stop.signal, { clock, logger })
    await queue.enqueue({ id: 'a', kind: 'mail', payload: null })
    const result = await queue.result('a')
    stop.abort()
    await run
    expect(result).toBe('sent')
    expect(calls).toBe(2)
  })

  test('reject an argument that only works with its own copy, with its path', async () => {
    vi.resetModules()
    const other = await import('runutil/coordinate')
    const namespace = await other.createCoordinate(new other.MemoryCoordinateStore()).namespace('n')
    expect(() => new CoordinateWorker({ namespace, tasks: {} })).toThrow(
      /namespace: expected a namespace; got an instance of NamespaceHandle; it was made by another copy of runutil \(loaded from .*runutil\/src/,
    )
  })

  test('log a warning with both paths if they are incompatible', async () => {
    const { lines } = await new Child('runtime/programs/old-copy').exit
    const warnings = lines.filter((line) => line.includes('two copies of runutil'))
    expect(warnings).toEqual([expect.stringMatching(/\/old\/runutil\/dist and .*packages\/runutil\/src/)])
  })
})

function isErrorClass(value: unknown): boolean {
  return typeof value === 'function' && value.prototype instanceof Error
}
