import type { Backoff } from '../core/backoff.ts'
import { Context, currentContext, newScope } from '../core/context.ts'
import { RunRecords, WorkerRecord } from '../core/worker-record.ts'
import type { ChildSpec } from './child-spec.ts'
import { Child } from './child.ts'
import { StartOrder } from './start-order.ts'
import { Supervisor } from './supervisor.ts'

/**
 * A supervisor of one worker within the current entry: they share that entry's record, and no node is added.
 *
 * @param name the worker's own name
 */
export async function superviseOne(
  spec: ChildSpec,
  backoff: Backoff | undefined,
  signal: AbortSignal,
  name: string | undefined,
): Promise<void> {
  const { scope, name: prefix, record: around } = currentContext() ?? new Context(newScope({}), '')
  const record = around ?? new WorkerRecord(new RunRecords(scope.clock), undefined, prefix)
  const logName = name === undefined ? prefix : `${prefix}/${name}`
  const supervisor = new Supervisor({
    scope,
    record,
    signal,
    strategy: 'one_for_one',
    limit: undefined,
    endsWhenDone: true,
    keepsAlive: false,
    children: (host) => ({
      children: [new Child(host, { spec, record, prefix, backoff, logName, isInner: true })],
      order: new StartOrder(),
    }),
    onReady: () => {},
    onStop: () => ({ endsAt: undefined, onLate: 'leave' }),
  })
  await supervisor.run()
  const [failure] = supervisor.failures
  if (failure !== undefined) throw failure.error
}
