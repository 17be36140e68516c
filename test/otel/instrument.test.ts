import { Runtime, runAllWorkers } from 'runutil'
import { type InstrumentOptions, instrument } from 'runutil/otel'
import { describe, expect, it } from 'vitest'
import { recordsOf } from '../../packages/runutil/src/runtime/runtime.ts'
import { instrumented } from '../support/otel/instrumented.ts'

describe('instrument', () => {
  const wrong: [options: object, message: RegExp][] = [
    [{ runtime: {} }, /^instrument: runtime: expected a Runtime; got/],
    [{ queue: {} }, /^instrument: queue: expected a JobQueue; got/],
    [{ coordinate: {} }, /^instrument: coordinate: expected what createCoordinate\(\) returns; got/],
    [{ dispatch: {} }, /^instrument: dispatch: expected a Manager/],
    [{ leases: {} }, /^instrument: leases: expected a LeaseStore; got/],
    [{ parent: 'yes' }, /^instrument: parent: expected true or false; got "yes"/],
    [{ parents: true }, /^instrument: unknown option 'parents'; did you mean 'parent'\?/],
  ]
  it.for(wrong)('refuses %j', ([options, message]) => {
    expect(() => instrument(options as InstrumentOptions)).toThrow(message)
  })

  it('has to be a worker of a run, or to have the runtime of one', async () => {
    const { signal } = new AbortController()
    await expect(instrument().run(signal)).rejects.toThrow(/^instrument: expected to be a worker of a run/)
    await expect(instrument({ runtime: new Runtime() }).run(signal)).rejects.toThrow(/of one that has begun/)
  })

  it('is one for a run and one for a queue', async () => {
    const { queue, runtime, stop } = await instrumented()
    const { signal } = new AbortController()
    await expect(instrument({ runtime }).run(signal)).rejects.toThrow(/^instrument: runtime: expected a run/)
    const other = runAllWorkers([instrument({ queue })], signal)
    await expect(other).rejects.toThrow(/instrument: queue: expected a queue/)
    await stop()
  })

  it('leaves nothing behind when it stops, and can run again', async () => {
    const { queue, runtime, stop } = await instrumented()
    const records = recordsOf(runtime)!
    expect(records.tracer).toBeDefined()
    expect(queue.store).toHaveProperty('tracer', expect.anything())
    await runtime.restart('/Telemetry')
    await runtime.ready('/Telemetry')
    expect(records.tracer).toBeDefined()
    await stop()
    expect(records.tracer).toBeUndefined()
    expect(queue.store).toHaveProperty('tracer', undefined)
  })
})
