import type { Coordinate } from '../../coordinate/model.ts'
import type { JobQueue } from '../../queue/job-queue.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import type { Caller } from '../access/caller.ts'
import { Commands, type ReplicaLink } from './commands.ts'
import type { Control, Done, JobVerb, WorkerVerb } from './control.ts'
import { controlJob, controlJobs } from './job-control.ts'
import { logCall } from './log-call.ts'
import { OpsError } from '../ops-error.ts'
import { controlSpec } from './spec-control.ts'

/** What can be controlled. */
export interface ControlParts {
  /** The run in this process; undefined before it has begun. */
  readonly runtime: () => Runtime | undefined
  readonly queue?: JobQueue | undefined
  readonly coordinate?: Coordinate | undefined
  /** How other processes are reached. Default: there are none. */
  readonly replicas?: ReplicaLink | undefined
}

/** The control of everything that is given. Each call is logged; what isn't given is a 404. */
export function createControl({ runtime, queue, coordinate, replicas }: ControlParts): Control {
  const commands = new Commands(runtime, replicas)
  const at = (replica: string | undefined): string => (replica === undefined ? '' : ` of replica ${replica}`)
  return {
    worker: (path, verb, by, replica) =>
      called(by, verb, `worker ${path}${at(replica)}`, () =>
        commands.run({ of: 'worker', path, verb }, by.name, replica),
      ),
    pool: (path, verb, by, replica) =>
      called(by, verb, `pool ${path}${at(replica)}`, () =>
        commands.run({ of: 'pool', path, verb }, by.name, replica),
      ),
    job: (id, verb, by) => called(by, verb, `job ${id}`, () => controlJob(given(queue, 'queue'), id, verb)),
    jobs: (verb, asked, by) =>
      called(by, verb, `jobs ${JSON.stringify(asked)}`, () =>
        controlJobs(given(queue, 'queue'), verb, asked),
      ),
    kind: (kind, verb, by) =>
      called(by, verb, `kind ${kind}`, () => controlKind(given(queue, 'queue'), kind, verb)),
    spec: (spec, verb, asked, by) =>
      called(by, verb, `spec ${spec}`, () => controlSpec(given(coordinate, 'coordinate'), spec, verb, asked)),
  }
}

function called(
  by: Caller,
  what: WorkerVerb | JobVerb | 'reset',
  on: string,
  call: () => Promise<Done>,
): Promise<Done> {
  return logCall({ by: by.name, what, on }, call)
}

/** A paused kind is stored: it is paused in all processes. */
async function controlKind(queue: JobQueue, kind: string, verb: 'pause' | 'resume'): Promise<Done> {
  await queue[verb](kind)
  return { status: 200, body: { kind, paused: verb === 'pause' } }
}

/** @throws OpsError */
function given<T>(part: T | undefined, name: string): T {
  if (part !== undefined) return part
  throw new OpsError(404, 'not-found', `this program has no ${name}; give it to the OpsServer as an option`)
}
