import pg from 'pg'
import type { Outage } from './facts.ts'
import type { Ground } from './ground.ts'
import { machineMs } from './machine-clock.ts'
import { LEASE_MS } from './settings.ts'

/** How long statements may take while it is said that they may not take long. */
const SHORT = '150ms'
const LOCKS = 3
/** Until the next one is done to the database; those that nobody asks anything stay silent. */
const SILENT_MS = LEASE_MS * 1.5

export const restart = (ground: Ground, mode: 'fast' | 'immediate'): Promise<void> =>
  during(ground, 'away', () => ground.cluster.restart(mode))

export const terminate = (ground: Ground): Promise<void> =>
  during(ground, 'away', () => ground.cluster.primary.terminateBackends())

/** Each statement that is on its way, as pg_cancel_backend does. */
export const cancel = (ground: Ground): Promise<void> =>
  during(ground, 'refusing', () =>
    asAdmin(ground, async (admin) => {
      await admin.query(`select pg_cancel_backend(pid) from pg_stat_activity
        where pid <> pg_backend_pid() and application_name like 'worker-%' and state = 'active'`)
    }),
  )

/** Statements, or their waiting for locks, are limited in time, and the table of jobs is locked for longer a few times. */
export const limitTime = (ground: Ground, what: 'statement_timeout' | 'lock_timeout'): Promise<void> =>
  during(ground, 'refusing', () =>
    withSetting(ground, what, SHORT, async (admin) => {
      for (let n = 0; n < LOCKS; n++) {
        await admin.query('begin; lock table runutil.jobs in access exclusive mode')
        await passed(ground, ground.random.between(200, 600))
        await admin.query('commit')
        await passed(ground, 100)
      }
    }),
  )

/** As a server is that was the first one before a failover. Now and then for longer than a lease. */
export const refuseWrites = (ground: Ground): Promise<void> =>
  during(ground, 'refusing', () =>
    withSetting(ground, 'default_transaction_read_only', 'on', () =>
      passed(ground, ground.random.between(LEASE_MS / 4, LEASE_MS * 1.5)),
    ),
  )

/** The server is lost, and its standby takes its place. A new standby is made of a copy while the work goes on. */
export async function failOver(ground: Ground): Promise<void> {
  const { cluster, random } = ground
  await during(ground, 'away', () => cluster.failOver({ early: random.chance(0.5) }))
  await cluster.follow()
}

/** All connections that workers have. It counts until the last of them has been given up. */
export async function silence(ground: Ground): Promise<void> {
  const { cluster, observer } = ground
  const outage = begin(ground, 'silent')
  cluster.proxy.silence()
  const givenUp = observer.until(() => cluster.proxy.silenced === 0).then(() => (outage.to = Date.now()))
  // Not waited for: it may take until all is over.
  givenUp.catch(() => {})
  await passed(ground, SILENT_MS)
}

function begin({ outages }: Ground, how: Outage['how']): Outage {
  const outage = { how, from: Date.now(), to: Infinity }
  outages.push(outage)
  return outage
}

async function during(ground: Ground, how: Outage['how'], act: () => Promise<unknown>): Promise<void> {
  const outage = begin(ground, how)
  await act()
  outage.to = Date.now()
}

/** For all sessions, also for those that there are. */
async function withSetting(
  ground: Ground,
  name: string,
  value: string,
  act: (admin: pg.Client) => Promise<void>,
): Promise<void> {
  await asAdmin(ground, async (admin) => {
    await admin.query(`alter system set ${name} = '${value}'`)
    await admin.query('select pg_reload_conf()')
    try {
      await act(admin)
    } finally {
      await admin.query(`alter system reset ${name}`)
      await admin.query('select pg_reload_conf()')
    }
  })
}

async function asAdmin({ cluster }: Ground, act: (admin: pg.Client) => Promise<void>): Promise<void> {
  const options = '-c statement_timeout=0 -c lock_timeout=0 -c default_transaction_read_only=off'
  const admin = new pg.Client({ connectionString: cluster.primary.url, application_name: 'admin', options })
  await admin.connect()
  try {
    await act(admin)
  } finally {
    await admin.end()
  }
}

async function passed({ observer }: Ground, ms: number): Promise<void> {
  const from = machineMs()
  await observer.until(() => machineMs() >= from + ms)
}
