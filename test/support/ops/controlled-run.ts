import { type Clock, type Runnable, Runtime, runAllWorkers } from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { Context, newScope, withContext } from '../../../packages/runutil/src/core/context.ts'
import type { Caller } from '../../../packages/runutil/src/ops/access/caller.ts'
import type { Control, Done } from '../../../packages/runutil/src/ops/control/control.ts'
import { type ControlParts, createControl } from '../../../packages/runutil/src/ops/control/create-control.ts'
import { type LogLine, capturedLogger } from '../logs.ts'

export const ada: Caller = { role: 'control', name: 'ada' }

/** An answer: of a success its status and body, of an OpsError its status, code and message. */
export type Answer = Pick<Done, 'status' | 'body'> | { status: number; code: string; message: string }

export interface Controlled {
  readonly runtime: Runtime
  readonly clock: VirtualClock
  readonly lines: LogLine[]
  /** Calls the control as a request would, in the run's clock and logger. */
  readonly call: (call: (control: Control) => Promise<Done>) => Promise<Answer>
  readonly end: () => Promise<void>
}

/** How long a worker may wait for a store at its end. */
const LONGEST_END_MS = 5_000

/** A run, on a virtual clock unless another is given, and its control. */
export async function controlledRun(
  workers: readonly Runnable[],
  parts: Partial<ControlParts> = {},
  given: Clock = new VirtualClock(),
): Promise<Controlled> {
  // A test that runs on the system's clock doesn't advance it.
  const clock = given as VirtualClock
  const turn = async (ms = 0): Promise<void> =>
    given instanceof VirtualClock ? given.advance(ms) : undefined
  const { logger, lines } = capturedLogger()
  const runtime = new Runtime()
  const stop = new AbortController()
  const run = runAllWorkers(workers, stop.signal, { clock, logger, runtime })
  await turn()
  const control = createControl({ runtime: () => runtime, ...parts })
  const context = new Context(newScope({ clock, logger }), '')
  return {
    runtime,
    clock,
    lines,
    call: async (call) => {
      const answer = withContext(context, () => call(control)).catch((error: unknown) => {
        const { status, code, message } = error as { status: number; code: string; message: string }
        if (status === undefined) throw error
        return { status, code, message }
      })
      await turn()
      return answer
    },
    end: async () => {
      stop.abort()
      await turn(LONGEST_END_MS)
      await run
    },
  }
}
