import type { Clock } from '../../core/clock.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { ActionViews } from './action-views.ts'
import { DoctorView } from './doctor-view.ts'
import { JobViews } from './job-views.ts'
import { LeaseViews } from './lease-views.ts'
import { OpsError } from '../ops-error.ts'
import type { ServerFacts } from '../doctor/check.ts'
import type { OpsOptions } from '../ops-options.ts'
import type { ReadModel, State } from './read-model.ts'
import type { ReplicaBeat } from '../replicas/replica-store.ts'
import { ReplicaViews, aloneIn, noSuchReplica } from './replica-views.ts'
import { stateOf } from './state.ts'
import { WorkViews } from './work-views.ts'

export interface ReadModelProps extends Pick<
  OpsOptions,
  'database' | 'queue' | 'coordinate' | 'dispatch' | 'leases' | 'replicas' | 'redact'
> {
  readonly runtime: Runtime
  /** This process, as it is in the list of replicas. */
  readonly self: Omit<ReplicaBeat, 'state'>
  /** How the server may be reached. */
  readonly server?: (() => ServerFacts) | undefined
  /** That of the run. */
  readonly clock: Clock
}

/** What can be seen of this process and of all replicas. Does nothing but when asked. */
export function createReadModel(props: ReadModelProps): ReadModel {
  const { runtime, self, clock, queue, coordinate, dispatch, leases, replicas, redact } = props
  const jobs = queue && new JobViews(queue, clock, redact)
  const work = coordinate && new WorkViews(coordinate, clock)
  const actions = dispatch && new ActionViews(dispatch, clock, redact)
  const leaseViews = leases && new LeaseViews(leases, clock)
  const others = replicas && new ReplicaViews(replicas, self.id, clock)
  const doctor = new DoctorView(props)
  const state = (): State => stateOf(runtime, self.id, clock)
  return {
    state,
    stateOf: async (replica) => {
      if (replica === self.id) return { ...state(), ageMs: 0 }
      if (others === undefined) throw noSuchReplica(replica)
      return others.state(replica)
    },
    kinds: async () => given(jobs, 'queue').kinds(),
    jobs: async (fields) => given(jobs, 'queue').list(fields),
    job: async (id) => given(jobs, 'queue').job(id),
    specs: async (fields) => given(work, 'coordinate').specs(fields),
    units: async (fields) => given(work, 'coordinate').units(fields),
    actions: async (fields) => given(actions, 'dispatch').list(fields),
    leases: async () =>
      given(leaseViews, 'leases').list(async () => [state(), ...((await others?.states()) ?? [])]),
    replicas: async () => (others === undefined ? aloneIn(self, clock) : others.list()),
    doctor: () => doctor.findings(),
    changed: (concern) => {
      const touched = { jobs: [jobs], specs: [work], workers: [jobs, work, actions, leaseViews, others] }
      for (const views of [doctor, ...touched[concern]]) views?.outdate()
    },
  }
}

function given<T>(views: T | undefined, option: keyof OpsOptions): T {
  if (views !== undefined) return views
  const hint = `give the OpsServer the option '${option}' to see it`
  throw new OpsError(404, 'not-given', `there is nothing to show: this OpsServer has no ${option}; ${hint}`)
}
