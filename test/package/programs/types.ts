// Compiled against the built package, once for each way that TypeScript finds types; never run.
import {
  type Duration,
  type Runnable,
  Worker,
  type WorkerConfigurer,
  backoff,
  errorIs,
  repeat,
  runAllWorkers,
  WorkerGroupError,
} from 'runutil'
import { Probe, VirtualClock } from 'runutil/testing'

const every: Duration = '5s'
const polled = new Probe<string>('polled')
const worker: Worker = repeat(every, () => polled.hit('now'))

@Worker({ name: 'Polling' })
export class Polling implements WorkerConfigurer {
  workers(): Runnable[] {
    return [worker, { name: 'Retried', worker, retry: backoff({ initial: '1s', max: '1m' }) }]
  }
}

export const run: Promise<void> = runAllWorkers(new Polling().workers(), undefined, {
  clock: new VirtualClock(),
})
export const failed: boolean = errorIs(new Error(), WorkerGroupError)

// What isn't found is `any`, and anything goes; so here nothing but the right type may.
// @ts-expect-error -- a job has no `at`
repeat(every, { at: 'noon' })
// @ts-expect-error -- a probe of strings
polled.hit(1)
