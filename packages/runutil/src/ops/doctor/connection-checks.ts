import { elapsedNow } from '../../core/clock.ts'
import type { Check, Patient } from './check.ts'
import { type Verdict, counted, lasting, ok, warn } from './finding.ts'
import { nodesIn } from './nodes-in.ts'

/** How long a notification may take. */
const HEARD_WITHIN_MS = 2_000
const SLOW_ROUND_TRIP_MS = 50
const CLOCKS_APART_MS = 1_000
/** Beside its pool, a process may open these: to claim, to renew and to listen. */
const OWN_CONNECTIONS = 3
/** Jobs at once for each connection of the pool: outcomes are recorded in batches, but a transaction holds a connection. */
const JOBS_PER_CONNECTION = 10

export const CONNECTION_CHECKS: readonly Check[] = [
  {
    name: 'listen',
    examine: async ({ database }) => {
      if (database === undefined) return undefined
      return judgeListening(database.listens && (await database.hears(HEARD_WITHIN_MS)), database.listens)
    },
  },
  {
    name: 'round-trip',
    // An embedded one is no way off; it would be asked behind all other checks.
    examine: async (patient) => {
      return patient.database?.kind === 'postgres' ? judgeRoundTrip(await roundTripMs(patient)) : undefined
    },
  },
  { name: 'clock', examine: async (patient) => patient.database && judgeClocks(await clocksApart(patient)) },
  {
    name: 'connections',
    examine: async (patient) => {
      const { database } = patient
      if (database?.maxConnections === undefined) return undefined
      const [server, processes] = await Promise.all([database.server(), processesOf(patient)])
      return judgeConnections({
        pool: database.maxConnections,
        atOnce: jobsAtOnce(patient),
        processes,
        server: server.maxConnections,
      })
    },
  },
]

export function judgeListening(heard: boolean, listens: boolean): Verdict {
  if (heard) return ok('notifications are heard')
  if (!listens) return ok('opened without listening: workers poll')
  return warn(
    `a notification was not heard within ${lasting(HEARD_WITHIN_MS)}: workers poll instead`,
    'if a pooler in transaction mode stands between, open with { listen: false }, or connect to the server itself',
  )
}

export function judgeRoundTrip(ms: number): Verdict {
  const found = `an answer takes ${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
  if (ms <= SLOW_ROUND_TRIP_MS) return ok(found)
  return warn(
    found,
    'each claim and each batch of outcomes waits for it: run the process nearer to its database',
  )
}

/** @param apart how far this process is ahead, and how exactly that is known, in ms */
export function judgeClocks({ aheadMs, within }: { aheadMs: number; within: number }): Verdict {
  const apart = Math.abs(aheadMs)
  if (apart <= CLOCKS_APART_MS + within) return ok('the clocks of process and database agree')
  return warn(
    `the clock of this process is ${lasting(apart)} ${aheadMs > 0 ? 'ahead of' : 'behind'} the database's`,
    'jobs fall due by the database: keep both clocks right with NTP',
  )
}

export interface ConnectionFacts {
  /** The most connections of this process's pool. */
  readonly pool: number
  /** How many jobs this process may run at the same time. */
  readonly atOnce: number
  /** How many processes there are. */
  readonly processes: number
  /** The most connections that the server takes. */
  readonly server: number
}

export function judgeConnections({ pool, atOnce, processes, server }: ConnectionFacts): Verdict {
  const fleet = processes * (pool + OWN_CONNECTIONS)
  const found = `${counted(pool, 'connection')} for up to ${counted(atOnce, 'job')} at once`
  if (fleet > server) {
    return warn(
      `${counted(processes, 'process', 'processes')} may open ${fleet} connections, and the server takes ${server}`,
      'lower max of openDatabase, or put a pooler between',
    )
  }
  if (pool === 1 && atOnce > 0) return warn(`${found}: none is left to listen`, 'open with max: 2 or more')
  if (atOnce <= pool * JOBS_PER_CONNECTION) return ok(found)
  return warn(found, 'raise max of openDatabase, or lower the concurrency of the workers')
}

/** The least of three: the first may have to connect. */
async function roundTripMs({ database, clock }: Patient): Promise<number> {
  let least = Infinity
  for (let round = 0; round < 3; round++) {
    const startedAt = elapsedNow(clock)
    await database!.ping()
    least = Math.min(least, elapsedNow(clock) - startedAt)
  }
  return least
}

async function clocksApart({ database, clock }: Patient): Promise<{ aheadMs: number; within: number }> {
  // The first may have to connect.
  await database!.ping()
  const before = clock.now()
  const { nowMs } = await database!.server()
  const after = clock.now()
  return { aheadMs: (before + after) / 2 - nowMs, within: (after - before) / 2 }
}

async function processesOf({ replicas }: Patient): Promise<number> {
  const all = (await replicas?.list()) ?? []
  return Math.max(1, all.filter(({ lost }) => !lost).length)
}

function jobsAtOnce({ runtime }: Patient): number {
  const nodes = runtime === undefined ? [] : nodesIn(runtime.tree())
  return nodes.reduce((sum, { kind, detail }) => {
    const { concurrency } = (detail ?? {}) as { concurrency?: unknown }
    return kind === 'queue' && typeof concurrency === 'number' ? sum + concurrency : sum
  }, 0)
}
