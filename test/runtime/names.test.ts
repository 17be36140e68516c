import {
  InvalidArgumentError,
  type Runnable,
  Worker,
  WorkerGroupError,
  currentName,
  namedWorker,
  namedWorkerFromType,
  retry,
  runAllWorkers,
} from 'runutil'
import { describe, expect, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { failureOf, untilAbort } from '../support/outcome.ts'

class Fetcher {}

@Worker({ name: 'Renamed', group: 'names.test' })
class Decorated {
  workers(): Runnable[] {
    return []
  }
}

const fails = (): Promise<void> => Promise.reject(new Error('down'))
/** A backoff that ends retry with an error, since NaN is not a duration. */
const nothingToWait = { duration: () => NaN }

const nameIn = async (wrap: (worker: () => void) => Runnable): Promise<string> => {
  let name = 'not run'
  await failureOf(runAllWorkers([wrap(() => void (name = currentName()))]))
  return name
}

test.each<[string, (worker: () => void) => Runnable, string]>([
  ['namedWorker', (worker) => namedWorker(worker, 'Name'), '/Name'],
  ['an object', (worker) => namedWorker({ run: async () => worker() }, 'Name'), '/Name'],
  ['nested names', (worker) => namedWorker(namedWorker(worker, 'Name'), 'Type'), '/Type/Name'],
  ['a declared name in a name', (worker) => namedWorker({ name: 'Name', worker }, 'Type'), '/Type/Name'],
  [
    'a name in a declared name',
    (worker) => ({ name: 'Type', worker: namedWorker(worker, 'Name') }),
    '/Type/Name',
  ],
  ['a class', (worker) => namedWorkerFromType(worker, Fetcher), '/Fetcher'],
  ['an instance', (worker) => namedWorkerFromType(worker, new Fetcher()), '/Fetcher'],
  ["a decorated class's name", (worker) => namedWorkerFromType(worker, Decorated), '/Renamed'],
  ["a decorated class's instance", (worker) => namedWorkerFromType(worker, new Decorated()), '/Renamed'],
  [
    'a declared worker in a class',
    (worker) => namedWorkerFromType({ name: 'Name', worker }, Fetcher),
    '/Fetcher/Name',
  ],
])('a worker runs under the name that it gets from %s', async (_, wrap, name) => {
  expect(await nameIn(wrap)).toBe(name)
})

test.each<[string, Runnable, string]>([
  ['a named worker', namedWorker(() => {}, 'Name'), '/Name'],
  [
    'nested names',
    namedWorker(
      namedWorker(() => {}, 'Name'),
      'Type',
    ),
    '/Type/Name',
  ],
  ['a worker of a class', namedWorkerFromType({ name: 'Name', worker: () => {} }, Fetcher), '/Fetcher/Name'],
  ['a name in a declared name', { name: 'Type', worker: namedWorker(() => {}, 'Name') }, '/Type/Name'],
  ['a retried name', retry(namedWorker(fails, 'Name'), nothingToWait), '/Name'],
  [
    'a retried name in a name',
    namedWorker(retry(namedWorker(fails, 'Name'), nothingToWait), 'Type'),
    '/Type/Name',
  ],
])('an error has the full path of %s', async (_, worker, path) => {
  const error = await failureOf<WorkerGroupError>(
    runAllWorkers([worker], undefined, { logger: capturedLogger().logger }),
  )
  expect(error.workers).toEqual([path])
})

describe('bad input is rejected at the call:', () => {
  test.each<[string, () => unknown, RegExp]>([
    [
      'an empty name',
      () => namedWorker(untilAbort, ''),
      /^namedWorker: expected a name that isn't empty; got ""/,
    ],
    ['no name', () => namedWorker(untilAbort, undefined as never), /^namedWorker: expected a name/],
    [
      'a name that is not a string',
      () => namedWorker(untilAbort, 5 as never),
      /^namedWorker: expected a name/,
    ],
    [
      'no worker',
      () => namedWorker(undefined as never, 'a'),
      /^namedWorker: expected a function .* got undefined/,
    ],
    ['a job', () => namedWorker({ runOnce: untilAbort } as never, 'a'), /this is a job/],
    ['an anonymous class', () => namedWorkerFromType(untilAbort, class {}), /expected a class with a name/],
    [
      'an instance of an anonymous class',
      () => namedWorkerFromType(untilAbort, new (class {})()),
      /expected a class with a name/,
    ],
    ['a name instead of a class', () => namedWorkerFromType(untilAbort, 'Api' as never), /got "Api"/],
    ['null', () => namedWorkerFromType(untilAbort, null as never), /expected a class with a name.* got null/],
    ['not a class', () => namedWorkerFromType(untilAbort, Object.create(null) as object), /expected a class/],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(InvalidArgumentError)
    expect(call).toThrow(message)
  })
})
