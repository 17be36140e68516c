import type { PlannedJob } from './planned-job.ts'
import type { Ground } from './ground.ts'
import { machineMs } from './machine-clock.ts'
import type { Observer } from './observer.ts'
import { LEASE_MS } from './settings.ts'
import type { WorkerProcess } from './worker-process.ts'

/** Until its leases are over and others have what it held. */
export async function freeze({ fleet, observer }: Ground): Promise<void> {
  await fleet.toRunning(async (worker) => {
    worker.freeze()
    const from = machineMs()
    await observer.until(async () => machineMs() > from + LEASE_MS && !(await holdsJobs(worker, observer)))
    worker.thaw()
  })
}

/**
 * One process is left alone, and then: frozen past its lease while it runs jobs, and held up past it by a handler.
 * Nobody else is there to take its jobs, so none may run again.
 */
export async function leaveAlone(
  { fleet, observer }: Ground,
  enqueueBlocker: () => Promise<PlannedJob>,
): Promise<void> {
  const worker = await fleet.leaveOne()
  const patience = AbortSignal.timeout(LEASE_MS)
  await observer.until(async () => patience.aborted || (await holdsJobs(worker, observer)))
  // A poison may have been quicker.
  if (worker.state === 'running') {
    worker.freeze()
    const from = machineMs()
    await observer.until(() => machineMs() > from + LEASE_MS * 1.3)
    worker.thaw()
  }
  const { id } = await enqueueBlocker()
  await observer.until(async () => {
    const waiting = await observer.ask(`select from runutil.jobs where id = $1 and status = 'PENDING'`, [id])
    return waiting.length === 0
  })
  fleet.refill()
}

async function holdsJobs({ name }: WorkerProcess, observer: Observer): Promise<boolean> {
  const held = await observer.ask(
    `select from runutil.job_claims as c join audit as a on a.claim = c.claim and a.type = 'claimed'
     where a.worker = $1 limit 1`,
    [name],
  )
  return held.length > 0
}
