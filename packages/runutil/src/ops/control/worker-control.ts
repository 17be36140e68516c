import { importScope } from '../../core/async-scope.ts'
import { messageOf } from '../../core/thrown.ts'
import type { WorkerNode } from '../../runtime/worker-node.ts'
import { type Runtime, recordsOf } from '../../runtime/runtime.ts'
import { answeredWithin } from './answered-within.ts'
import { knownError } from '../http/error-answer.ts'
import type { Done } from './control.ts'
import { OpsError } from '../ops-error.ts'
import type { RemoteCommand } from './remote-command.ts'

/**
 * Does a command in this process, and waits for it at most 10 s: then the answer is 202, and it goes on.
 *
 * @param runtime undefined before the run has begun
 * @throws OpsError
 */
export function performHere(runtime: Runtime | undefined, command: RemoteCommand): Promise<Done> {
  const path = command.path === '' || command.path.startsWith('/') ? command.path : `/${command.path}`
  // Not in the context of the worker that serves it: of its own end, that would only be told.
  const call = importScope.run(() => perform(runtime, { ...command, path }))
  return answeredWithin(call, { path, verb: command.verb, goesOn: true })
}

async function perform(runtime: Runtime | undefined, command: RemoteCommand): Promise<Done> {
  if (runtime === undefined) throw new OpsError(409, 'not-now', 'nothing runs in this process yet')
  const { path, verb } = command
  if (verb === 'reset') await refusals(reset(runtime, path))
  else if (verb === 'trigger') return trigger(runtime, path)
  else await refusals(runtime[verb](path))
  return doneTo(runtime, path)
}

async function reset(runtime: Runtime, path: string): Promise<void> {
  const record = recordsOf(runtime)?.get(path)
  if (record === undefined) throw new OpsError(404, 'not-found', `no worker has the path '${path}'`)
  const operation = record.operations?.['reset']
  if (operation !== undefined) return operation()
  const what = `cannot reset '${path}', a ${record.kind}`
  throw new OpsError(409, 'not-now', `${what}: only a ProcessPool that runs can be reset`)
}

/** A run that fails is an answer too: it has been triggered. */
async function trigger(runtime: Runtime, path: string): Promise<Done> {
  const before = runsOf(runtime.get(path))
  try {
    await runtime.trigger(path)
  } catch (error) {
    const after = runtime.get(path)
    if (runsOf(after) === before || after?.lastRun?.ok !== false) throw refusal(error)
    return doneTo(runtime, path, { run: 'failed', error: messageOf(error) })
  }
  return doneTo(runtime, path, { run: 'done' })
}

function runsOf(node: WorkerNode | undefined): number {
  return node?.runs ?? 0
}

function doneTo(runtime: Runtime, path: string, more: object = {}): Done {
  return { status: 200, body: { path, state: runtime.get(path)?.state, ...more } }
}

async function refusals(call: Promise<void>): Promise<void> {
  try {
    await call
  } catch (error) {
    throw refusal(error)
  }
}

/** What isn't an error of the arguments is one of the run: it ends, or the worker didn't stop, or a pool can't start processes. */
function refusal(error: unknown): unknown {
  return knownError(error) ?? new OpsError(409, 'not-now', messageOf(error))
}
