import { type RunScope, currentContext } from '../core/context.ts'
import { Runtime } from './runtime.ts'

/** Runs the body as the run that the handle serves, and those that `currentRuntime()` gives in it. */
export async function servedBy(
  runtime: Runtime | undefined,
  { records }: RunScope,
  signal: AbortSignal | undefined,
  body: () => Promise<void>,
): Promise<void> {
  const isOutermost = currentContext()?.record === undefined
  runtime?.attach(records)
  let reason: unknown = new Error('the run has ended')
  try {
    await body()
  } catch (error) {
    reason = error
    throw error
  } finally {
    if (signal?.aborted === true) reason = signal.reason
    runtime?.detach(reason)
    if (isOutermost && records.runtime instanceof Runtime && records.runtime !== runtime)
      records.runtime.detach(reason)
  }
}
