import { type Backoff, backoff as backoffFor, checkBackoff } from '../core/backoff.ts'
import { Context, currentContext, newScope } from '../core/context.ts'
import { unexpected } from '../core/errors.ts'
import { log } from '../core/log.ts'
import { checkOptions } from '../core/options.ts'
import type { WorkerRecord } from '../core/worker-record.ts'
import type { Runnable, Worker } from '../core/worker.ts'
import { type GroupPart, addedChild, checkParts, childrenOf } from './group-run.ts'
import { type First, comesFirst, workerKind } from '../core/worker-kind.ts'
import { WorkerGroupError } from './errors.ts'
import { isUnrestartable } from './restart-errors.ts'
import { type Strategy } from './restart-plan.ts'
import { type Intensity, type RestartLimit, checkReach, toRestartLimit } from './restart-window.ts'
import { partOf } from './run-all.ts'
import { isInRun, removeRecord } from './tree-records.ts'
import type { SupervisorProps } from './supervisor-props.ts'
import { Supervisor } from './supervisor.ts'

/** Options of `supervise`. */
export interface SuperviseOptions {
  /**
   * Which workers are restarted when one fails: it alone, it and those after it in the list, or all. Default 'one_for_one'.
   */
  strategy?: Strategy | undefined
  /** The backoff of workers without a `retry` of their own. Default: 1 s doubled up to 1 m, half of it random. */
  retry?: Backoff | undefined
  /** How many restarts of all its workers together are allowed. Default: any number. */
  intensity?: Intensity | undefined
}

const STRATEGIES: readonly Strategy[] = ['one_for_one', 'rest_for_one', 'one_for_all']

/**
 * Supervises workers as one worker: those that fail are restarted, alone or with others, until a limit is exceeded.
 *
 * It runs until its signal aborts, also when it has no workers or all are done. It ends with an error when a worker fails
 * and is not restarted: with a RestartLimitError at the failure after `intensity.restarts` restarts, or with the error that
 * `retryIf` refused. Its other workers are stopped first. To its own supervisor that is a failure like any other.
 *
 * @throws InvalidArgumentError, DuplicateNameError, InvalidDurationError at the call
 *
 * @example
 * supervise([{ name: 'Db', worker: db }, { name: 'Api', worker: api, after: 'Db' }], { strategy: 'rest_for_one' })
 */
export function supervise(workers: Iterable<Runnable>, options: SuperviseOptions = {}): Worker {
  const rules = toSuperviseRules(options, 'supervise')
  return superviseParts([partOf(workers, 'supervise', 'workers', rules.backoff)], rules, 'supervise')
}

export interface SuperviseRules {
  readonly strategy: Strategy
  readonly backoff: Backoff
  readonly limit: RestartLimit | undefined
}

export function toSuperviseRules(options: SuperviseOptions, what: string): SuperviseRules {
  const {
    strategy = 'one_for_one',
    retry,
    intensity,
  } = checkOptions(what, options, ['strategy', 'retry', 'intensity'])
  if (!STRATEGIES.includes(strategy)) {
    throw unexpected(`${what}: strategy`, `'one_for_one', 'rest_for_one' or 'one_for_all'`, strategy)
  }
  if (retry !== undefined) checkBackoff(retry, `${what}: retry`)
  return {
    strategy,
    backoff: retry ?? backoffFor({ initial: '1s', max: '1m', jitterProportion: 0.5 }),
    limit: intensity === undefined ? undefined : toRestartLimit(intensity, `${what}: intensity`),
  }
}

/** @throws InvalidArgumentError */
export function superviseParts(
  parts: readonly GroupPart[],
  rules: SuperviseRules,
  what: string,
  kind = 'supervisor',
): Worker {
  checkParts(parts)
  const { limit, backoff, strategy } = rules
  const specs = parts.flatMap((part) => part.specs)
  if (limit !== undefined && specs.length > 0) {
    const backoffs = specs.map(({ retry }) => retry ?? backoff)
    checkReach(limit, backoffs, strategy === 'one_for_one' ? specs.length : 1, `${what}: intensity`)
  }
  return new SuperviseWorker(parts, rules, kind)
}

/** How long the siblings of a worker that failed for good may take to end, without a grace period. */
const LONGEST_STOP_MS = 30_000

class SuperviseWorker implements Worker {
  readonly [workerKind]: string
  readonly [comesFirst]: First | undefined
  readonly #parts: readonly GroupPart[]
  readonly #rules: SuperviseRules

  constructor(parts: readonly GroupPart[], rules: SuperviseRules, kind: string) {
    this[workerKind] = kind
    if (parts.some(({ specs }) => specs.some(({ first }) => first !== undefined))) this[comesFirst] = 'inside'
    this.#parts = parts
    this.#rules = rules
  }

  async run(signal: AbortSignal): Promise<void> {
    const context = currentContext() ?? new Context(newScope({}), '')
    const record = context.record ?? context.scope.records.root
    record.kind = this[workerKind]
    record.strategy = this.#rules.strategy
    const supervisor = new Supervisor(this.#props(context, record, signal))
    const given = new Set(supervisor.children)
    await supervisor.run()
    for (const child of supervisor.children) if (!given.has(child)) removeRecord(child.record)
    const { failures } = supervisor
    const [first, ...others] = failures
    // Whatever came first, nobody may start it again beside what still runs.
    if (others.some(({ error }) => isUnrestartable(error))) throw new WorkerGroupError(failures)
    for (const { error } of others) log(context.logger, 'warn', { err: error }, 'worker failed')
    if (first !== undefined) throw first.error
  }

  #props({ scope, name }: Context, record: WorkerRecord, signal: AbortSignal): SupervisorProps {
    const { strategy, limit, backoff } = this.#rules
    return {
      scope,
      record,
      signal,
      strategy,
      limit,
      endsWhenDone: false,
      keepsAlive: !isInRun(record),
      added: (host, order, siblings, parent, worker) =>
        addedChild(host, order, siblings, parent, worker, backoff),
      children: (host) =>
        childrenOf(host, this.#parts, record, name, { backoff, isAwaited: record.isAwaited, isKept: true }),
      onReady: () => record.ready(),
      onStop: (byCaller) =>
        byCaller
          ? // Its caller sets the deadline and handles what is late.
            { endsAt: record.stopBy, onLate: 'leave' }
          : { endsAt: scope.clock.elapsed() + (scope.graceMs ?? LONGEST_STOP_MS), onLate: 'hung' },
    }
  }
}
