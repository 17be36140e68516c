import type { ServerResponse } from 'node:http'
import type { Control } from '../../../packages/runutil/src/ops/control/control.ts'
import { openApiDocument } from '../../../packages/runutil/src/ops/http/openapi.ts'
import type { OpsServices } from '../../../packages/runutil/src/ops/http/ops-services.ts'
import type { ReadModel, State } from '../../../packages/runutil/src/ops/views/read-model.ts'
import { ROUTES } from '../../../packages/runutil/src/ops/http/routes.ts'

/** A call that got through to what is behind the routes. */
export type Reached = readonly [name: string, ...args: unknown[]]

const AGED = { at: '2030-01-01T00:00:00.000Z', ageMs: 0 }
const STATE: State = {
  at: AGED.at,
  replica: 'r1',
  workers: {},
  loop: { p99: 1, max: 2, utilization: 0 },
  memory: { rss: 1, heapUsed: 1, external: 1 },
}

/** What is behind the routes: records each call, and fails as told. */
export class FakeServices {
  readonly reached: Reached[] = []
  /** Thrown by the next call. */
  failure: unknown
  readonly services: Omit<OpsServices, 'sessions'>

  constructor() {
    this.services = {
      model: this.#model(),
      control: this.#control(),
      probes: {
        started: () => this.#say({ status: 200, body: { ok: true, reasons: [] } }, 'started'),
        ready: async () =>
          this.#say({ status: 503, body: { ok: false, reasons: [{ who: '/A', why: 'starting' }] } }, 'ready'),
        live: () => this.#say({ status: 200, body: { ok: true, reasons: [] } }, 'live'),
      },
      streams: {
        open: async (response, fields) => {
          this.#say(undefined, 'open', fields)
          endStream(response)
        },
      },
      metrics: async () => this.#say('runutil_up 1\n', 'metrics'),
      document: openApiDocument(ROUTES),
    }
  }

  /** The calls so far, and forgets them. */
  taken(): Reached[] {
    return this.reached.splice(0)
  }

  #say<T>(answer: T, ...call: Reached): T {
    this.reached.push(call)
    const { failure } = this
    this.failure = undefined
    if (failure !== undefined) throw failure as Error
    return answer
  }

  #model(): ReadModel {
    const say = this.#say.bind(this)
    return {
      state: () => say(STATE, 'state'),
      stateOf: async (replica) => say({ ...STATE, ageMs: 1 }, 'stateOf', replica),
      kinds: async () => say({ ...AGED, kinds: [] }, 'kinds'),
      jobs: async (fields) => say({ ...AGED, jobs: [] }, 'jobs', fields),
      job: async (id) => say({ ...AGED, id }, 'job', id),
      specs: async (fields) => say({ ...AGED, specs: [] }, 'specs', fields),
      units: async (fields) => say({ ...AGED, units: [] }, 'units', fields),
      actions: async (fields) => say({ ...AGED, actions: [] }, 'actions', fields),
      leases: async () => say({ ...AGED, leases: [] }, 'leases'),
      replicas: async () => say({ ...AGED, replicas: [] }, 'replicas'),
      doctor: async () => say({ ...AGED, findings: [] }, 'doctor'),
      changed: () => {},
    }
  }

  #control(): Control {
    const done = { status: 200, body: { done: true } } as const
    const say = async (...call: Reached) => this.#say(done, ...call)
    return {
      worker: (path, verb, by, replica) => say('worker', path, verb, by.role, replica),
      pool: (path, verb, by, replica) => say('pool', path, verb, by.role, replica),
      job: (id, verb, by) => say('job', id, verb, by.role),
      jobs: (verb, asked, by) => say('jobs', verb, asked, by.role),
      kind: (kind, verb, by) => say('kind', kind, verb, by.role),
      spec: (spec, verb, asked, by) => say('spec', spec, verb, asked, by.role),
    }
  }
}

function endStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.end('event: state\ndata: {}\n\n')
}
