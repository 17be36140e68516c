import { type RunControl, runControls, workerKind } from '../core/worker-kind.ts'
import { InvalidArgumentError, unexpected } from '../core/errors.ts'
import { isPlainFunction } from '../core/has.ts'
import { checkOptions } from '../core/options.ts'
import { type Worker } from '../core/worker.ts'
import type { JobDefinition } from './define-job.ts'
import { ErrKindExists, ErrUnknownKind } from './errors.ts'
import { normaliseKind } from './job-input.ts'
import { JobQueue, observedStoreOf } from './job-queue.ts'
import { withSchema } from './job-schema.ts'
import type { ClaimedJob, EnqueueOptions, Enqueued, JobInput } from './job.ts'
import { type JobHandler, KIND_OPTIONS, type Kind, type KindOptions, resolveKindOptions } from './kind.ts'
import type { JobMiddleware } from './middleware.ts'
import { kindHint } from './option-place.ts'
import { QueueRun } from './queue-run.ts'
import { type QueueWorkerOptions, type WorkerSettings, resolveSettings } from './worker-settings.ts'

/** Of a worker, whose kinds only its class can read. */
let handlersIn: (worker: QueueWorker, encoding: Kind['encoding']) => Handlers

/**
 * Runs the jobs of a queue: a worker like any other, for a `workers()` list.
 *
 * When stopped, it claims nothing more, releases jobs it hasn't started, aborts the running handlers and waits for them to
 * end.
 *
 * @example
 * const worker = new QueueWorker(queue, { concurrency: 10 })
 * worker.register('mail', async (job, signal) => send(job.payload, signal))
 * await runAllWorkers([worker], shutdownSignal())
 */
export class QueueWorker implements Worker {
  static {
    handlersIn = (worker, encoding) => {
      return { kinds: worker.#runnableKinds(encoding), maxCrashes: worker.#settings.maxCrashes }
    }
  }

  readonly [workerKind] = 'queue'
  readonly [runControls]: RunControl = 'pause'
  readonly #queue: JobQueue
  readonly #settings: WorkerSettings
  readonly #kinds = new Map<string, Kind>()
  readonly #middleware: JobMiddleware[] = []
  #hasRun = false

  /** @throws InvalidArgumentError, InvalidDurationError */
  constructor(queue: JobQueue, options: QueueWorkerOptions = {}) {
    if (!(queue instanceof JobQueue)) throw unexpected('QueueWorker', 'a JobQueue', queue)
    this.#queue = queue
    this.#settings = resolveSettings(options)
  }

  /**
   * Registers the handler of a kind. Its return value is the job's result; its error decides whether the job is retried.
   *
   * @throws ErrKindExists, ErrInvalidJob for an invalid kind, InvalidArgumentError, InvalidDurationError
   */
  register(kind: string, handler: JobHandler, options?: KindOptions): this
  register<Payload, Out>(
    definition: JobDefinition<never, Payload, Out, unknown>,
    handler: (job: ClaimedJob<Payload>, signal: AbortSignal) => Out | Promise<Out>,
  ): this
  register(given: string | JobDefinition<never>, handler: unknown, options?: KindOptions): this {
    const definition = definitionOf(given, options)
    const kind = normaliseKind(definition.kind, 'register: kind')
    const what = `register('${kind}')`
    if (!isPlainFunction(handler)) throw unexpected(what, 'a handler (job, signal) => result', handler)
    if (this.#kinds.has(kind)) throw new ErrKindExists(kind)
    checkOptions(what, definition.options, KIND_OPTIONS, kindHint)
    const resolved = resolveKindOptions(definition.options, what, this.#settings.retries)
    const { input, output } = definition
    this.#kinds.set(kind, { kind, handler: handler as JobHandler, input, output, ...resolved })
    return this
  }

  /**
   * Runs every handler of this worker inside `middleware`; what is used first is the outermost. It gets the job before its
   * payload is validated.
   *
   * @throws InvalidArgumentError, also once `run` was called
   *
   * @example
   * worker.use(async (job, next) => {
   *   const startedAt = performance.now()
   *   try {
   *     return await next()
   *   } finally {
   *     log.info({ kind: job.kind, ms: performance.now() - startedAt })
   *   }
   * })
   */
  use(middleware: JobMiddleware): this {
    if (!isPlainFunction(middleware))
      throw unexpected('use', 'a middleware (job, next) => result', middleware)
    if (this.#hasRun) {
      throw new InvalidArgumentError(
        'use: expected to be called before run; jobs of this worker may run already',
      )
    }
    this.#middleware.push(middleware)
    return this
  }

  /**
   * As JobQueue.enqueue, for kinds that this worker has a handler for. Validates jobs of kinds that were registered by a
   * definition.
   *
   * @throws ErrUnknownKind, ErrInvalidJob, ErrJobExists, StoreUnavailableError
   */
  enqueue(job: JobInput, options?: EnqueueOptions): Promise<Enqueued>
  enqueue(jobs: readonly JobInput[], options?: EnqueueOptions): Promise<Enqueued[]>
  enqueue(jobs: JobInput | readonly JobInput[], options?: EnqueueOptions): Promise<Enqueued | Enqueued[]>
  async enqueue(
    jobs: JobInput | readonly JobInput[],
    options: EnqueueOptions = {},
  ): Promise<Enqueued | Enqueued[]> {
    const typed = Array.isArray(jobs)
      ? (jobs as readonly JobInput[]).map((job) => this.#typed(job))
      : this.#typed(jobs as JobInput)
    return this.#queue.enqueue(typed, options)
  }

  /** A job that carries the definition of its kind, if it was registered by one. */
  #typed(job: JobInput): JobInput {
    // The queue refuses it.
    if (typeof job !== 'object' || (job as unknown) === null) return job
    const name = normaliseKind(job.kind, 'job.kind')
    const kind = this.#kinds.get(name)
    if (kind === undefined) throw new ErrUnknownKind(name, [...this.#kinds.keys()])
    return kind.input === undefined ? job : withSchema(job, kind)
  }

  /**
   * Runs jobs until the signal aborts. A store that can't be reached is retried with a growing delay, a lost lease is an
   * event of the queue; neither ends the run.
   *
   * @throws InvalidArgumentError when no kind is registered; the store's permanent errors, such as for a missing schema
   */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#kinds.size === 0) {
      throw new InvalidArgumentError('QueueWorker: expected at least one kind to run; register one')
    }
    this.#hasRun = true
    const store = observedStoreOf(this.#queue)
    const { codec, maxJson } = store
    const kinds = this.#runnableKinds(codec && { codec, maxJson })
    await new QueueRun({ ...this.#settings, store, kinds, signal }).run()
  }

  #runnableKinds(encoding: Kind['encoding']): Map<string, Kind> {
    const middleware = this.#middleware.length === 0 ? undefined : [...this.#middleware]
    return new Map([...this.#kinds].map(([name, kind]) => [name, { ...kind, middleware, encoding }]))
  }
}

/** What a test needs of a worker whose handlers it calls. */
export interface Handlers {
  readonly kinds: ReadonlyMap<string, Kind>
  readonly maxCrashes: number
}

/**
 * @param what the call that needs them, for errors
 * @param encoding of payloads and results; undefined for none
 * @throws InvalidArgumentError when it isn't a QueueWorker of this copy of runutil, or has no kinds
 */
export function handlersOf(worker: QueueWorker, what: string, encoding: Kind['encoding']): Handlers {
  if (!(worker instanceof QueueWorker)) throw unexpected(what, 'a QueueWorker', worker)
  const handlers = handlersIn(worker, encoding)
  if (handlers.kinds.size > 0) return handlers
  throw new InvalidArgumentError(`${what}: expected the worker to have a kind; register one first`)
}

type AnyDefinition = Pick<JobDefinition, 'kind' | 'options' | 'input' | 'output'>

function definitionOf(given: string | JobDefinition<never>, options: KindOptions | undefined): AnyDefinition {
  if (typeof given !== 'object' || given === null) {
    return { kind: given, options: options ?? {}, input: undefined, output: undefined }
  }
  if (options === undefined) return given
  throw new InvalidArgumentError('register: expected no options beside a definition; pass them to defineJob')
}
