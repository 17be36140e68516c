import { type DeclarativeWorker, backoff, repeat, reportProgress, wait, workerReady } from 'runutil'
import { CoordinateWorker } from 'runutil/coordinate'
import { singleton } from 'runutil/leases'
import { QueueWorker } from 'runutil/queue'
import { ShownService } from './shown-service.ts'

/** If it was taken for HTML, it would load something, and run a script. */
export const evil = (where: string): string => `<img src=${where}.png onerror=alert('${where}')>`

/** Of the job with a payload of almost 4 MiB, the most that a store takes. */
export const LARGE = 'large'
const LARGE_CHARACTERS = 4 * 1_024 * 1_024 - 20

/** A service all of whose texts are HTML. */
export async function openHostile(): Promise<ShownService> {
  const service = new ShownService(Date.UTC(2026, 2, 2, 12))
  const { queue, leases, coordinate, manager, replicas, clock } = service
  const namespace = await coordinate.namespace(evil('namespace'))
  const spec = await namespace.setWorkSpec({ name: evil('spec'), runtime: 'node' })
  await spec.addWorkUnits([{ name: evil('unit'), data: { note: evil('data') } }])
  const jobs = new QueueWorker(queue, { concurrency: 4, attempts: 2, backoff: backoff('1s') })
    .register(evil('kind'), async ({ payload }, signal) => {
      if (payload === 'fail') throw Object.assign(new Error(evil('error')), { name: evil('class') })
      reportProgress(1, 2, evil('note'))
      if (payload === 'run') await wait('1h', signal)
      return { [evil('field')]: evil('result') }
    })
    .register('__proto__', () => null)
  const units = new CoordinateWorker({
    namespace,
    tasks: { [evil('spec')]: async ([attempt]) => attempt!.fail({ reason: evil('reason') }) },
  })
  const workers: DeclarativeWorker[] = [
    { name: evil('worker'), worker: repeat('1s', failing, { startImmediately: true }), retry: backoff('1h') },
    { name: 'Jobs', worker: jobs },
    { name: 'Units', worker: units },
    { name: 'Actions', worker: manager },
    { name: 'Device', worker: (signal) => device(service, signal) },
    { name: 'Lease', worker: singleton(leases, evil('lease'), (signal) => wait('1h', signal)) },
    { name: '__proto__', worker: (signal) => wait('1h', signal) },
  ]
  const kind = evil('kind')
  await queue.enqueue([
    { id: evil('job'), kind, key: evil('key'), payload: { [evil('name')]: evil('payload') } },
    { id: 'fails', kind, payload: 'fail' },
    { id: 'runs', kind, payload: 'run' },
    { id: '__proto__', kind: '__proto__' },
    { id: LARGE, kind: 'unknown', payload: evil('large').padEnd(LARGE_CHARACTERS, 'x') },
  ])
  await service.start(workers)
  await clock.advance('15s')
  const state = {
    at: new Date(clock.now()).toISOString(),
    replica: evil('id'),
    workers: {},
    loop: {},
    memory: {},
  }
  const host = evil('host')
  const startedAt = new Date(clock.now())
  await replicas.beat({
    id: evil('id'),
    name: evil('replica'),
    host,
    pid: 1,
    version: evil('version'),
    startedAt,
    state,
  })
  return service
}

async function failing(): Promise<never> {
  reportProgress(1, 2, evil('note'))
  throw new Error(evil('message'))
}

async function device({ manager }: ShownService, signal: AbortSignal): Promise<void> {
  const target = evil('target')
  const registered = manager.workers.register(evil('host'), target, async ({ action }) => {
    await manager.update({ id: action, status: 'failed', error: evil('action') })
  })
  workerReady()
  manager.do(target, { [evil('key')]: evil('input') }).catch(() => {})
  await wait('1h', signal)
  await registered.close()
}
