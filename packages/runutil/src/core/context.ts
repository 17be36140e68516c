import { AsyncLocalStorage } from 'node:async_hooks'
import { type Logger, pino } from 'pino'
import { systemClock } from './clock-system.ts'
import type { Clock } from './clock.ts'
import { shared } from './shared.ts'

export type HealthState = 'init' | 'ok' | 'firing'

/** The health of a worker, reported by itself or by what runs it. */
export interface Health {
  readonly state: HealthState
  /** It has reported its health itself: then nothing else reports 'ok' for it. */
  readonly spoke: boolean
  readonly scope: RunScope
}

/** What all workers of one run share. Two runs in one process share none of it. */
export interface RunScope {
  readonly clock: Clock
  /** Of all workers, also those of the groups inside of it. */
  readonly health: Map<string, Health>
  /** Those of them that are this group's own: below the name of the worker that it runs in. */
  readonly names: Set<string>
  readonly outer: { readonly name: string; readonly scope: RunScope } | undefined
  /** Its workers have ended: later reports of them are ignored. */
  isOver: boolean
  readonly logger: Logger
  /** How long workers may go on after the abort. Undefined: no limit. */
  readonly graceMs: number | undefined
}

/** What a run of a repeat or a cron is for. */
export interface ScheduledRun {
  readonly scheduledFor: Date
  readonly missed: number
}

/** The run, the name and the trace of the running code. Carried across every await. */
export class Context {
  readonly scope: RunScope
  /** '/Type/Name'; '' at the top. */
  readonly name: string
  /** The worker's context that this repeated run is a part of. */
  readonly #worker: Context | undefined
  #id: string | undefined
  #logger: Logger | undefined
  readonly run: ScheduledRun | undefined

  constructor(scope: RunScope, name: string, worker?: Context, run?: ScheduledRun) {
    this.scope = scope
    this.name = name
    this.#worker = worker
    this.run = run
  }

  /** One level down, as '/Type' + '/Name'. A new trace begins. */
  named(name: string): Context {
    return new Context(this.scope, `${this.name}/${name}`)
  }

  /** One run of a repeating worker: same name, same trace, a span of its own. */
  child(run?: ScheduledRun): Context {
    return new Context(this.scope, this.name, this.#worker ?? this, run)
  }

  /** Made on first use, from the root: pino prints a key twice when children nest. */
  get logger(): Logger {
    return (this.#logger ??= childOf(this.scope.logger, this.#bindings()))
  }

  #bindings(): Record<string, string> {
    const bindings: Record<string, string> = this.name === '' ? {} : { worker: this.name }
    if (this.#worker === undefined) return { ...bindings, traceId: this.id }
    return { ...bindings, traceId: this.#worker.id, spanId: this.id }
  }

  get id(): string {
    return (this.#id ??= randomId(this.scope.clock))
  }
}

/** A logger whose `child` fails is used itself. */
function childOf(logger: Logger, bindings: Record<string, string>): Logger {
  try {
    return logger.child(bindings)
  } catch {
    return logger
  }
}

const storage = shared('context', () => new AsyncLocalStorage<Context>())
let fallbackLogger: Logger | undefined

/** Runs `body` so that `current…` in it, and in all it awaits, finds `context`. */
export const withContext: <T, A extends unknown[]>(
  context: Context,
  body: (...args: A) => T,
  ...args: A
) => T = storage.run.bind(storage)

/** As `withContext`, until the end of the surrounding scope: only inside of an `AsyncScope`. */
export function enterContext(context: Context): void {
  storage.enterWith(context)
}

/** The context of the running worker; undefined outside of any. */
export function currentContext(): Context | undefined {
  return storage.getStore()
}

/** The running worker's logger, a pino child that carries its name and trace; outside a worker, `pino()`. */
export function currentLogger(): Logger {
  return currentContext()?.logger ?? defaultLogger()
}

/** The running worker's name, such as '/CommitFetcher/Commits'; '' outside a worker. */
export function currentName(): string {
  return currentContext()?.name ?? ''
}

/** The clock of the running group; outside of any, the system's. */
export function currentClock(): Clock {
  return currentContext()?.scope.clock ?? systemClock
}

/** The logger that workers' loggers are made from. */
export function rootLogger(): Logger {
  return currentContext()?.scope.logger ?? defaultLogger()
}

function defaultLogger(): Logger {
  return (fallbackLogger ??= pino())
}

/** The scope for a new run: what is given, else what the run around it has, else the defaults. */
export function newScope(given: {
  logger?: Logger | undefined
  clock?: Clock | undefined
  graceMs?: number | undefined
}): RunScope {
  const context = currentContext()
  const outer = context?.scope
  const clock = given.clock ?? outer?.clock ?? systemClock
  return {
    clock,
    health: outer?.health ?? new Map<string, Health>(),
    names: new Set(),
    outer: context && { name: context.name, scope: context.scope },
    isOver: false,
    graceMs: given.graceMs ?? outer?.graceMs,
    get logger() {
      return given.logger ?? outer?.logger ?? defaultLogger()
    },
  }
}

function randomId(clock: Clock): string {
  const half = (): string =>
    Math.floor(clock.random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0')
  return half() + half()
}
