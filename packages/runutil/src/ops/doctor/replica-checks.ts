import type { ListedLease } from '../../leases/lease-store.ts'
import type { Replica } from '../replicas/replica-store.ts'
import { type LeaseHolder, holdersIn, leaseKey } from '../views/lease-holders.ts'
import type { State } from '../views/read-model.ts'
import type { Check, Patient } from './check.ts'
import { type Verdict, counted, lasting, ok, some, warn } from './finding.ts'

const MOST_LEASES = 1_000
const MOST_LOST = 20

export const REPLICA_CHECKS: readonly Check[] = [
  { name: 'replicas', examine: async ({ replicas }) => replicas && judgeReplicas(await replicas.list()) },
  { name: 'versions', examine: async ({ replicas }) => replicas && judgeVersions(await replicas.list()) },
  {
    name: 'commands',
    examine: async ({ database }) => database && judgeCommands(await database.untakenCommands()),
  },
  {
    name: 'leases',
    examine: async (patient) => {
      const { leases, replicas } = patient
      if (leases?.list === undefined || replicas === undefined) return undefined
      const [listed, states] = await Promise.all([leases.list(MOST_LEASES), statesOfLost(patient)])
      return judgeLeases(listed, states)
    },
  },
]

export function judgeReplicas(all: readonly Replica[]): Verdict {
  const lost = all.filter((replica) => replica.lost)
  if (lost.length === 0) return ok(`${counted(all.length, 'process', 'processes')}, none lost`)
  const names = lost.map(({ name, pid, ageMs }) => `${name} (pid ${pid}), silent for ${lasting(ageMs)}`)
  return warn(
    `${counted(lost.length, 'process', 'processes')} lost: ${some(names)}`,
    'they were killed, or hang, or cannot reach the database; they are forgotten after an hour',
  )
}

export function judgeVersions(all: readonly Replica[]): Verdict {
  const versions = [...new Set(all.filter(({ lost }) => !lost).map(({ version }) => version))].sort()
  if (versions.length <= 1) return ok('all processes have the same version of runutil')
  return warn(
    `processes have different versions of runutil: ${some(versions)}`,
    'neighbouring versions work together: end the deployment before the next one begins',
  )
}

export function judgeCommands(untaken: number): Verdict {
  if (untaken === 0) return ok('commands are taken in time')
  return warn(
    `commands of the last hour that their process, which lives, never took: ${untaken}`,
    'its event loop may be blocked for long, or its worker replica() or OpsServer has stopped',
  )
}

/** @param states what lost processes last told */
export function judgeLeases(leases: readonly ListedLease[], states: readonly State[]): Verdict {
  const holders = holdersIn(states)
  const kept = leases.flatMap(({ name, fence, expiresInMs }) => {
    const holder: LeaseHolder | undefined = holders.get(leaseKey(name, fence))
    if (expiresInMs === undefined || holder === undefined) return []
    return [expiresInMs > 0 ? `${name}, for ${lasting(expiresInMs)} more` : `${name}, which has expired`]
  })
  if (kept.length === 0) return ok('no lost process holds a lease')
  return warn(
    `leases of lost processes: ${some(kept)}`,
    'another process takes over once a lease has expired, if one runs such a worker',
  )
}

async function statesOfLost({ replicas }: Patient): Promise<State[]> {
  const lost = (await replicas!.list()).filter((replica) => replica.lost).slice(-MOST_LOST)
  const states = await Promise.all(lost.map(({ id }) => replicas!.state(id)))
  return states.flatMap((told) => (told === undefined ? [] : [told.state as State]))
}
