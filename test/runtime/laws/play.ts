import { getEventListeners } from 'node:events'
import pino from 'pino'
import {
  type DeclarativeWorker,
  type Runnable,
  Runtime,
  type Worker,
  backoff,
  repeat,
  runAllWorkers,
  supervise,
} from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { setInBackground } from '../../../packages/runutil/src/core/background-interval.ts'
import { FatalError, leafWorker, repeatJob } from './bodies.ts'
import { Fold } from './fold.ts'
import { type Entry, type Group, type Program, type Step, childIntensityOf, intensityOf } from './program.ts'
import { Recorder } from './recorder.ts'
import { type Body, type Call, type GroupRun, type Spec, type Trace, parentOf } from './trace.ts'

/** Runs a program to its end on virtual time, and returns all that was recorded. */
export function play(program: Program): Promise<Trace> {
  return new Player(program).play()
}

/** A clock that also counts timers that nothing waits for. */
class CountingClock extends VirtualClock {
  background = 0;

  override [setInBackground](
    callback: () => void,
    elapsedMs: number,
  ): ReturnType<VirtualClock['setTimeout']> {
    const timer = super[setInBackground](callback, elapsedMs)
    this.background++
    return {
      clear: () => {
        this.background--
        timer.clear()
      },
      restartAt: (at) => timer.restartAt(at),
    }
  }
}

const LONG_AFTER_MS = 120_000

class Player {
  readonly #program: Program
  readonly #clock: CountingClock
  readonly #runtime = new Runtime()
  readonly #recorder: Recorder
  readonly #stop = new AbortController()
  readonly #reason = new Error('the caller stops')
  readonly #calls: Call[] = []
  readonly #fold = new Fold()
  readonly #logger = pino({ level: 'warn' }, { write: (line) => this.#logged(line) })
  #added = 0
  #outcome: Trace['outcome']

  constructor(program: Program) {
    this.#program = program
    this.#clock = new CountingClock({ seed: program.seed })
    this.#recorder = new Recorder(this.#clock, this.#runtime)
  }

  async play(): Promise<Trace> {
    const clock = this.#clock
    const { graceMs, steps } = this.#program
    const unhear = this.#hear()
    const run = this.#run()
    for (const step of steps) {
      await clock.advance(step.waitMs)
      this.#fold.compare(this.#runtime.tree())
      this.#take(step)
      this.#fold.compare(this.#runtime.tree())
    }
    await clock.advance(30)
    this.#stop.abort(this.#reason)
    await clock.advance((graceMs ?? LONG_AFTER_MS) + 1_000)
    const outcome = this.#outcome
    await clock.advance(LONG_AFTER_MS)
    this.#fold.compare(this.#runtime.tree())
    if (outcome !== undefined) await run
    unhear()
    return this.#trace(outcome)
  }

  #trace(outcome: Trace['outcome']): Trace {
    const { root, groups, bodies, jobs, events } = this.#recorder
    return {
      root,
      groups,
      bodies,
      jobs,
      events,
      calls: this.#calls,
      graceMs: this.#program.graceMs,
      reason: this.#reason,
      outcome,
      foldErrors: this.#fold.errors,
      left: this.#left(),
    }
  }

  #hear(): () => void {
    return this.#runtime.on((event) => {
      this.#recorder.heard(event)
      this.#fold.hear(event)
      this.#fold.compare(this.#runtime.tree())
    })
  }

  #logged(line: string): void {
    if (!line.includes('joins the restart')) return
    const { worker } = JSON.parse(line) as { worker: string }
    const { events } = this.#recorder
    events.findLast(({ event }) => event.path === worker && event.type === 'restarting')!.joins = true
  }

  #run(): Promise<void> {
    const { graceMs, entries } = this.#program
    const { root } = this.#recorder
    const specs = specsOf('', entries)
    this.#recorder.given(specs)
    const workers = specs.map((spec) => this.#entry(spec, () => root))
    const options = { clock: this.#clock, runtime: this.#runtime, logger: this.#logger }
    const grace = graceMs === undefined ? {} : { grace: graceMs }
    return runAllWorkers(workers, this.#stop.signal, { ...options, ...grace }).then(
      () => void (this.#outcome = { at: this.#clock.elapsed() }),
      (error: unknown) => void (this.#outcome = { at: this.#clock.elapsed(), error }),
    )
  }

  #entry(spec: Spec, group: () => GroupRun): DeclarativeWorker {
    const { entry, path } = spec
    const { restart, retryMs, hasRetryIf, startTimeoutMs, stopTimeoutMs, watchdogMs } = entry
    const intensity = intensityOf(entry, parentOf(path) === '')
    return {
      name: path.slice(path.lastIndexOf('/') + 1),
      worker: this.#worker(spec, group),
      restart,
      after: spec.after.map((before) => before.slice(before.lastIndexOf('/') + 1)),
      ...(restart !== 'temporary' && retryMs !== undefined && { retry: backoff(retryMs) }),
      ...(intensity !== undefined && { intensity }),
      ...(hasRetryIf && { retryIf: (error: unknown) => !(error instanceof FatalError) }),
      ...(startTimeoutMs !== undefined && { startTimeout: startTimeoutMs }),
      ...(stopTimeoutMs !== undefined && { stopTimeout: stopTimeoutMs }),
      ...(watchdogMs !== undefined && { watchdog: watchdogOf(entry) }),
    }
  }

  #worker(spec: Spec, group: () => GroupRun): Worker | DeclarativeWorker['worker'] {
    const { entry } = spec
    const begin = (signal: AbortSignal): Body => this.#recorder.began(spec, group(), signal)
    switch (entry.kind) {
      case 'worker':
        return leafWorker(this.#ending(entry), this.#clock, begin, this.#recorder)
      case 'repeat': {
        let body: Body | undefined
        const { everyMs, jitterMs, startImmediately, timeoutMs } = entry
        const job = repeatJob(entry, this.#clock, () => body!, this.#recorder)
        const options = { jitter: jitterMs, startImmediately, timeout: timeoutMs }
        return this.#seen(repeat(everyMs, job, options), (signal) => (body = begin(signal)))
      }
      case 'supervisor':
        return this.#supervisor(spec, entry, begin)
    }
  }

  /** Without a grace period, the run would never end if a worker ignores the abort. */
  #ending<E extends Entry>(entry: E): E {
    if (this.#program.graceMs !== undefined || entry.kind !== 'worker') return entry
    return { ...entry, lives: entry.lives.map((life) => ({ ...life, stopMs: Math.min(life.stopMs, 300) })) }
  }

  #supervisor(spec: Spec, entry: Group, begin: (signal: AbortSignal) => Body): Worker {
    let run: GroupRun | undefined
    const specs = specsOf(spec.path, entry.children)
    const workers: Runnable[] = specs.map((child) => this.#entry(child, () => run!))
    const { strategy, childRetryMs } = entry
    const intensity = childIntensityOf(entry)
    const worker = supervise(workers, { strategy, retry: backoff(childRetryMs), intensity })
    return this.#seen(worker, (signal) => {
      const body = begin(signal)
      run = this.#recorder.group(body, specs)
      return body
    })
  }

  /** The worker itself, so that its kind is still recognized, with its runs recorded. */
  #seen(worker: Worker, begin: (signal: AbortSignal) => Body): Worker {
    const run = worker.run.bind(worker)
    worker.run = async (signal) => {
      const body = begin(signal)
      try {
        await run(signal)
      } catch (error) {
        this.#recorder.ended(body, { error })
        throw error
      }
      this.#recorder.ended(body, undefined)
    }
    return worker
  }

  #take({ call, at, entry }: Step): void {
    if (call === undefined) return
    if (call === 'abort') return this.#stop.abort(this.#reason)
    const isParent = call === 'add'
    const paths = this.#fold.paths.filter((path) => (isParent ? this.#isGroup(path) : path !== ''))
    const path = paths[at % paths.length]
    if (path === undefined) return
    const promise = call === 'add' ? this.#add(path, entry) : this.#runtime[call](path)
    const { at: now } = this.#recorder
    const made: Call = {
      name: call,
      path,
      at: now,
      moment: this.#recorder.next(),
      settled: undefined,
      over: Infinity,
    }
    this.#calls.push(made)
    const settled = (how: NonNullable<Call['settled']>): void => {
      made.settled = how
      made.over = this.#recorder.next()
    }
    promise.then(
      () => settled('resolved'),
      (error: unknown) => settled({ error }),
    )
  }

  #isGroup(path: string): boolean {
    return this.#runtime.get(path)?.kind === 'supervisor'
  }

  #add(parent: string, entry: Entry): Promise<string> {
    const group = (): GroupRun => this.#recorder.groupOf(parent)
    const beside = this.#fold.paths.filter((path) => path !== '' && parentOf(path) === parent)
    const after = beside.filter((_, at) => entry.after.includes(at))
    const spec: Spec = { path: `${parent}/n${this.#added++}`, entry, after }
    this.#recorder.willAdd(spec)
    return this.#runtime.add(parent, this.#entry(spec, group))
  }

  #left(): string[] {
    const { pending, background } = this.#clock
    const left: string[] = []
    if (pending > 0) left.push(`${pending} timers`)
    if (background > 0) left.push(`${background} timers in the background`)
    const listeners = getEventListeners(this.#stop.signal, 'abort').length
    if (listeners > 0) left.push(`${listeners} listeners on the caller's signal`)
    for (const { signal, spec, end } of this.#recorder.bodies) {
      const own = getEventListeners(signal, 'abort').length
      if (end !== undefined && own > (signal.aborted ? 0 : 1))
        left.push(`a listener on ${spec.path}'s signal`)
    }
    for (const { name, path, settled } of this.#calls) {
      if (settled === undefined) left.push(`whoever called ${name}('${path}') waits`)
    }
    return left
  }
}

function specsOf(parent: string, entries: readonly Entry[]): Spec[] {
  const pathOf = (at: number): string => `${parent}/${'abcdef'[at]}`
  return entries.map((entry, at) => ({
    path: pathOf(at),
    entry,
    after: [...new Set(entry.after)].filter((before) => before < at).map(pathOf),
  }))
}

function watchdogOf(entry: Entry): number {
  return entry.watchdogMs! + (entry.kind === 'repeat' ? entry.everyMs + entry.jitterMs : 0)
}
