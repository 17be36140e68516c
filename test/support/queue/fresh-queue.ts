import { runAllWorkers } from 'runutil'
import { type JobEvent, JobQueue, type JobStore, MemoryJobStore } from 'runutil/queue'
import { Probe, VirtualClock } from 'runutil/testing'

export interface FreshQueue {
  readonly clock: VirtualClock
  readonly queue: JobQueue
  /** The same jobs, as another process has them. */
  readonly elsewhere: JobQueue
  /** What happened through the queue, short: 'settled 1 DONE'. */
  readonly events: string[]
  /** Hit with the id of each job that is settled. */
  readonly settled: Probe<string>
}

/** A queue in memory on a virtual clock; `around` puts something between it and its store. */
export function freshQueue(around: (store: JobStore) => JobStore = (store) => store): FreshQueue {
  const clock = new VirtualClock()
  const store = new MemoryJobStore({ clock })
  const queue = new JobQueue(around(store))
  const elsewhere = new JobQueue(ofAnotherProcess(store))
  const events: string[] = []
  const settled = new Probe<string>('settled')
  queue.onEvent((event) => {
    events.push(short(event))
    if (event.type === 'settled') settled.hit(event.id)
  })
  return { clock, queue, elsewhere, events, settled }
}

/** What one process holds, it knows by its store object. */
function ofAnotherProcess(store: JobStore): JobStore {
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

function short(event: JobEvent): string {
  const status = event.type === 'settled' ? [event.status] : []
  return [event.type, 'id' in event ? event.id : event.kind, ...status].join(' ')
}

/** As a worker of a run on that clock would call it. */
export async function onClock<T>(clock: VirtualClock, call: () => Promise<T>): Promise<T> {
  const called = new Probe<{ outcome: Promise<T> }>('called')
  const worker = async (): Promise<void> => {
    const outcome = call()
    called.hit({ outcome })
    await outcome.catch(() => {})
  }
  void runAllWorkers([worker], new AbortController().signal, { clock }).catch(() => {})
  const [{ outcome }] = (await called.times(1)) as [{ outcome: Promise<T> }]
  return outcome
}
