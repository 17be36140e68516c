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
  const inner = entryContext()
  const { scope, name: prefix } = inner
  const record = inner.record!
  const lineName = name === undefined ? prefix : `${prefix}/${name}`
  const supervisor = new Supervisor({
    scope,
    record,
    signal,
    strategy: 'one_for_one',
    limit: undefined,
    endsWhenDone: true,
    keepsAlive: false,
    children: (host) => ({
      children: [new Child(host, { spec, record, prefix, backoff, lineName, inner })],
      order: new StartOrder(),
    }),
    onReady: () => {},
    onStop: () => ({ endsAt: undefined, onLate: 'leave' }),
  })
  await supervisor.run()
  const [failure] = supervisor.failures
  if (failure !== undefined) throw failure.error
}

/** The current one; outside of any entry, one with a record of its own. */
function entryContext(): Context {
  const current = currentContext() ?? new Context(newScope({}), '')
  if (current.record !== undefined) return current
  const { scope, name } = current
  return new Context(scope, name, new WorkerRecord(new RunRecords(scope.clock), undefined, name))
}
