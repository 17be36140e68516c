import type { Logger } from 'pino'
import { Context, type RunScope } from '../core/context.ts'
import { isLogged, log } from '../core/log.ts'
import type { WorkerRecord } from '../core/worker-record.ts'
import type { WorkerState } from '../core/worker-state.ts'
import type { Child } from './child.ts'
import type { RestartLimitError } from './restart-errors.ts'
import { traceOf } from './worker-trace.ts'

/** In a larger group, starts and ends of each worker are logged at debug, and their count at info. */
const MANY = 1_000

type Line = 'started' | 'stopped' | 'done'

/** Logs the starts, ends and give-ups of a group's workers. Failures are logged where they are handled. */
export class GroupLines {
  readonly #scope: RunScope
  readonly #record: WorkerRecord
  readonly #children: readonly Child[]

  constructor(scope: RunScope, record: WorkerRecord, children: readonly Child[]) {
    this.#scope = scope
    this.#record = record
    this.#children = children
  }

  /** Called when a worker's state changes. Each logged start has one end. */
  moved(child: Child, state: WorkerState): void {
    if (state === 'failed') child.lastLine = 'failed'
    const line = lineOf(state, child.lastLine)
    if (line === undefined) return
    child.lastLine = line
    const level = this.#areMany ? 'debug' : 'info'
    // Asks the root logger: creating the worker's logger costs more than the line.
    if (isLogged(this.#scope.logger, level)) log(child.logger, level, {}, line)
  }

  /** Called when all workers without `after` have started. */
  started(): void {
    this.#count('started')
  }

  ended(): void {
    this.#count('done')
    this.#count('stopped')
  }

  /** @param child undefined: the group itself */
  gaveUp(child: Child | undefined, { restarts, withinMs }: RestartLimitError): void {
    const message = `gave up: ${numberOf(restarts, 'restart')} within ${withinMs / 1_000} s`
    log(child?.logger ?? this.#logger, 'info', { restarts, withinMs }, message)
  }

  #count(line: Line): void {
    if (!this.#areMany) return
    const count = this.#children.filter(({ lastLine }) => lastLine === line).length
    if (count > 0) log(this.#logger, 'info', { count }, `${numberOf(count, 'worker')} ${line}`)
  }

  get #areMany(): boolean {
    return this.#children.length > MANY
  }

  get #logger(): Logger {
    return (traceOf(this.#record)?.lines ?? new Context(this.#scope, this.#record.path)).logger
  }
}

function lineOf(state: WorkerState, last: Child['lastLine']): Line | undefined {
  if (state === 'starting') return 'started'
  if (state === 'done') return state
  // Stopped in the delay of a restart, which is then cancelled.
  if (state === 'stopped') return last === 'started' || last === 'failed' ? state : undefined
  // Stopped to be restarted along with others.
  if (state === 'waiting') return last === 'started' ? 'stopped' : undefined
  return undefined
}

function numberOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
