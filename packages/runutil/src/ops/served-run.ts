import { hostname } from 'node:os'
import type { Clock } from '../core/clock.ts'
import { VERSION } from '../core/version.ts'
import type { ServerFacts } from './doctor/check.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { createControl } from './control/create-control.ts'
import { visibleAtOnce } from './control/visible-at-once.ts'
import { createReadModel } from './views/create-read-model.ts'
import { EventStreams } from './events/event-streams.ts'
import { openApiDocument } from './http/openapi.ts'
import { OpsError } from './ops-error.ts'
import type { OpsOptions } from './ops-options.ts'
import type { OpsServices, ProbeSource, SessionCalls } from './http/ops-services.ts'
import type { State } from './views/read-model.ts'
import { ReplicaRun } from './replicas/replica-run.ts'
import { ROUTES } from './http/routes.ts'

const EVERY_MS = 5_000

export interface ServedRunProps {
  readonly options: OpsOptions
  readonly runtime: Runtime
  /** The id of this process. */
  readonly id: string
  /** How it may be reached. */
  readonly server: () => ServerFacts
  /** That of the run. */
  readonly clock: Clock
}

/** One run, as the routes serve it, and as other processes see it. */
export class ServedRun {
  readonly model: OpsServices['model']
  readonly control: OpsServices['control']
  readonly streams: EventStreams
  readonly #replica: ReplicaRun | undefined

  constructor({ options, runtime, id, server, clock }: ServedRunProps) {
    const { database, queue, coordinate, dispatch, leases, replicas, redact } = options
    const name = hostname()
    const facts = { id, name, host: name, pid: process.pid, version: VERSION }
    const self = { ...facts, startedAt: new Date(clock.now()) }
    this.model = createReadModel({
      database,
      queue,
      coordinate,
      dispatch,
      leases,
      replicas,
      redact,
      runtime,
      self,
      server,
      clock,
    })
    const here = (): Runtime => runtime
    const link = replicas && { id, store: replicas }
    const control = createControl({ runtime: here, queue, coordinate, replicas: link })
    this.control = visibleAtOnce(control, (concern) => this.model.changed(concern))
    this.streams = new EventStreams(this.model, clock)
    const state = (): State => this.model.state()
    this.#replica =
      replicas && new ReplicaRun({ id, store: replicas, name, everyMs: EVERY_MS, state, runtime: here })
  }

  /** Tells other processes of this one, until the abort. @throws what isn't an outage of their store */
  async beat(signal: AbortSignal): Promise<void> {
    await this.#replica?.run(signal)
  }
}

const DOCUMENT = openApiDocument(ROUTES)

/** What the routes serve: of no run, only probes, metrics and sessions. */
export function servicesOf(
  run: ServedRun | undefined,
  always: { probes: ProbeSource; sessions: SessionCalls; metrics: OpsServices['metrics'] },
): OpsServices {
  const running = (): ServedRun => {
    if (run !== undefined) return run
    const hint = 'add the OpsServer to the workers of the run, or give it the option runtime'
    throw new OpsError(503, 'not-running', `there is no run to serve; ${hint}`)
  }
  return {
    ...always,
    document: DOCUMENT,
    get model() {
      return running().model
    },
    get control() {
      return running().control
    },
    get streams() {
      return running().streams
    },
  }
}
