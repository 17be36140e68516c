import { type RunScope, currentContext } from '../core/context.ts'
import { Runtime } from './runtime.ts'

/** Runs the body with `runtime` attached to the run; at its end, detaches it and the handle of `currentRuntime()`. */
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
