import { unexpected } from '../../core/errors.ts'
import { shortened } from '../../core/describe.ts'
import type { RunRecords, WorkerRecord } from '../../core/worker-record.ts'
import { neverReady, notReady } from '../../runtime/readiness.ts'
import { Runtime, recordsOf } from '../../runtime/runtime.ts'
import type { OpsOptions } from '../ops-options.ts'
import type { ProbeAnswer, ProbeReason } from './probes-model.ts'
import { ReadinessCheck } from './readiness-check.ts'

export interface ProbesProps {
  /** The run to answer for. Default: the one given to `follow`. */
  readonly runtime?: Runtime | undefined
  readonly checks?: OpsOptions['checks']
}

/** More don't help anybody, and there may be 100,000 workers. */
const MOST_REASONS = 100

/**
 * What Kubernetes and other supervisors of processes ask for: whether a process has started, whether work may be sent to it, and
 * whether it should be replaced. Only `checks` ask anything outside of the process.
 */
export class Probes {
  #runtime: Runtime | undefined
  readonly #checks: readonly ReadinessCheck[]
  /** Of the run that has started up; it stays so. */
  #startedUp: RunRecords | undefined

  /** @throws InvalidArgumentError for checks that aren't functions */
  constructor({ runtime, checks = {} }: ProbesProps = {}) {
    this.#runtime = runtime
    this.#checks = checksOf(checks)
  }

  /** Answers for this run from now on. */
  follow(runtime: Runtime): void {
    this.#runtime = runtime
  }

  /** 200 once each worker that isn't temporary has been ready; then it stays 200. An operator's stop takes a worker out of that. */
  started(): ProbeAnswer {
    const records = this.#records
    if (records === undefined) return answer([NOT_RUNNING])
    if (this.#startedUp === records) return answer([])
    const missing = reasonsOf(neverReady(records.root))
    if (missing.length === 0 && records.root.state === 'waiting') return answer([NOT_RUNNING])
    if (missing.length === 0) this.#startedUp = records
    return answer(missing)
  }

  /**
   * 503 from the first signal to stop on, also during the delay of `shutdownSignal`; while a worker that reports its readiness isn't
   * ready; and while a check fails. A check has 1 s, and its outcome holds for 5 s. Never rejects.
   */
  async ready(): Promise<ProbeAnswer> {
    const records = this.#records
    if (records === undefined) return answer([NOT_RUNNING])
    const stop = stopOf(records)
    // Checks would only burden others now.
    if (stop !== undefined) return answer([stop])
    const { clock } = records
    const checked = await Promise.all(
      this.#checks.map(async (check) => ({ name: check.name, failure: await check.failure(clock) })),
    )
    const failed = checked.flatMap(({ name, failure }) =>
      failure === undefined ? [] : [{ who: `check ${name}`, why: failure }],
    )
    // As of now: a check may have taken a while.
    const stopped = stopOf(records)
    return answer([...(stopped === undefined ? reasonsOf(notReady(records.root)) : [stopped]), ...failed])
  }

  /** 503 once a worker hangs, was stopped and didn't end: only a new process helps. Neither a stop nor a database leads to that. */
  live(): ProbeAnswer {
    const hung = [...(this.#records?.hung ?? [])]
    return answer(hung.slice(0, MOST_REASONS).map((who) => ({ who, why: 'hangs, and does not end' })))
  }

  get #records(): RunRecords | undefined {
    return this.#runtime && recordsOf(this.#runtime)
  }
}

const NOT_RUNNING: ProbeReason = { who: 'run', why: 'has not begun' }

function checksOf(checks: unknown): ReadinessCheck[] {
  // A Map has entries, too, but no such ones.
  if (typeof checks !== 'object' || checks === null || Symbol.iterator in checks) {
    throw unexpected('checks', 'an object of functions by their names', checks)
  }
  return Object.entries(checks as NonNullable<OpsOptions['checks']>).map(([name, check]) => {
    if (typeof check === 'function') return new ReadinessCheck(shortened(name), check)
    throw unexpected(`checks: ${shortened(name)}`, 'a function (signal) => Promise', check)
  })
}

function stopOf({ stopRequest, root }: RunRecords): ProbeReason | undefined {
  const request = stopRequest?.()
  if (request !== undefined) return { who: 'shutdown', why: request.message }
  if (root.state === 'waiting') return NOT_RUNNING
  if (root.state === 'stopping') return { who: 'shutdown', why: 'the run is stopping' }
  const isOver = root.state === 'stopped' || root.state === 'done' || root.state === 'failed'
  return isOver ? { who: 'shutdown', why: 'the run has ended' } : undefined
}

function reasonsOf(workers: Iterable<WorkerRecord>): ProbeReason[] {
  const reasons: ProbeReason[] = []
  for (const { path, state } of workers) {
    if (reasons.length === MOST_REASONS) break
    reasons.push({ who: path, why: state })
  }
  return reasons
}

function answer(reasons: readonly ProbeReason[]): ProbeAnswer {
  return { status: reasons.length === 0 ? 200 : 503, body: { ok: reasons.length === 0, reasons } }
}
