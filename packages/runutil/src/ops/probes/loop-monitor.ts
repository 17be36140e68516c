import { url as inspectorUrl } from 'node:inspector'
import { Worker as Thread } from 'node:worker_threads'
import { onAbort } from '../../core/abort.ts'
import { setBackgroundInterval } from '../../core/background-interval.ts'
import { begunRuns } from '../../core/begun-runs.ts'
import { systemClock } from '../../core/clock-system.ts'
import { currentLogger } from '../../core/context.ts'
import { type Duration, toIntervalMs } from '../../core/duration.ts'
import { InvalidDurationError } from '../../core/errors.ts'
import { logWarning } from '../../core/log.ts'
import { checkOptions } from '../../core/options.ts'
import { comesFirst, workerKind } from '../../core/worker-kind.ts'
import { workerReady } from '../../core/worker-ready.ts'
import type { Worker } from '../../core/worker.ts'
import { LONGEST_NAME, LOOP_WATCH, LOOP_WORDS, type LoopWatchData, MOST_NAMED } from './loop-watch.ts'

/** Options of `loopMonitor`. */
export interface LoopMonitorOptions {
  /** How long the event loop may be blocked. At least 1 s. Default 1 m. */
  exitAfter?: Duration | undefined
}

const EVERY_MS = 100
const LEAST_MS = 1_000

/**
 * Kills the process when its event loop is blocked for too long, so that whoever supervises it starts another: a blocked loop
 * answers no probe, takes no signal and renews no lease.
 *
 * A thread looks whether the loop turns. If it hasn't for `exitAfter`, the thread writes to stderr which worker is running, and where
 * in the code, and kills the process with SIGKILL (exit code 137 in a shell or container). In native code, as in `execFileSync`,
 * that can't be told: then it names the worker whose run or job began last. Time in which the process was suspended, its machine
 * slept, or the inspector was open doesn't count.
 *
 * @throws InvalidDurationError, InvalidArgumentError
 *
 * @example
 * await runAllWorkers([loopMonitor({ exitAfter: '30s' }), worker], shutdownSignal())
 */
export function loopMonitor(options: LoopMonitorOptions = {}): Worker {
  const { exitAfter = '1m' } = checkOptions('loopMonitor', options, ['exitAfter'])
  const exitAfterMs = toIntervalMs(exitAfter, 'loopMonitor: exitAfter')
  if (exitAfterMs < LEAST_MS) {
    throw new InvalidDurationError(`loopMonitor: exitAfter: expected at least 1 s; got ${exitAfterMs} ms`)
  }
  const worker = {
    [workerKind]: 'loop-monitor',
    [comesFirst]: 'itself' as const,
    run: (signal: AbortSignal): Promise<void> => watchLoop(exitAfterMs, signal),
  }
  return worker
}

async function watchLoop(exitAfterMs: number, signal: AbortSignal): Promise<void> {
  const words = new Int32Array(new SharedArrayBuffer(4 * Object.keys(LOOP_WORDS).length))
  const begun = new BegunNames(words)
  const workerData: LoopWatchData = {
    words: words.buffer,
    names: begun.names.buffer,
    exitAfterMs,
    at: LOOP_WORDS,
    longestName: LONGEST_NAME,
  }
  // Without the options of the process, such as loaders that the thread would have to load as well.
  const thread = new Thread(LOOP_WATCH, { eval: true, workerData, execArgv: [], env: {} })
  thread.unref()
  const logger = currentLogger()
  thread.on('error', (error) => logWarning(logger, error, 'the event loop is no longer watched'))
  const turns = setBackgroundInterval(systemClock, () => turned(words), EVERY_MS)
  begunRuns.listener = begun.listener
  workerReady()
  await new Promise<void>((resolve) => onAbort(signal, resolve))
  turns.clear()
  if (begunRuns.listener === begun.listener) begunRuns.listener = undefined
  Atomics.store(words, LOOP_WORDS.isOver, 1)
  Atomics.notify(words, LOOP_WORDS.isOver)
  await thread.terminate()
}

function turned(words: Int32Array): void {
  Atomics.store(words, LOOP_WORDS.isDebugged, inspectorUrl() === undefined ? 0 : 1)
  Atomics.add(words, LOOP_WORDS.turns, 1)
}

/** Keeps the name of the worker whose run or job began last, where the thread can read it. */
class BegunNames {
  readonly names = new Uint8Array(new SharedArrayBuffer(MOST_NAMED * (LONGEST_NAME + 1)))
  readonly #words: Int32Array
  readonly #numbers = new Map<string, number>()

  constructor(words: Int32Array) {
    this.#words = words
  }

  readonly listener = (worker: string): void => {
    this.#words[LOOP_WORDS.lastBegun] = this.#numbers.get(worker) ?? this.#add(worker)
  }

  #add(worker: string): number {
    const isLast = this.#numbers.size >= MOST_NAMED - 1
    const number = Math.min(this.#numbers.size + 1, MOST_NAMED)
    const offset = (number - 1) * (LONGEST_NAME + 1)
    const bytes = this.names.subarray(offset + 1, offset + 1 + LONGEST_NAME)
    // Into a copy: a TextEncoder doesn't write to shared memory.
    const name = new TextEncoder()
      .encode(isLast ? 'one of more than 999 workers' : worker)
      .slice(0, LONGEST_NAME)
    bytes.set(name)
    this.names[offset] = name.length
    if (!isLast) this.#numbers.set(worker, number)
    return number
  }
}
