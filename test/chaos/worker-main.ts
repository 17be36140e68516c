// A worker process of the chaos: worker-main NAME URL FOLDER.
import { join } from 'node:path'
import { pino } from 'pino'
import { runAllWorkers, shutdownSignal } from 'runutil'
import { type Database, PostgresJobStore, openDatabase } from 'runutil/postgres'
import { type ClaimedJob, JobQueue, QueueWorker, RetryableError } from 'runutil/queue'
import { Ledger, type RunEnd } from './ledger.ts'
import { FREE, LIMITED, MIXED, type Payload } from './planned-job.ts'
import { LEASE_MS, LIMITS, MAX_CRASHES, paceOf, versionOf } from './settings.ts'
import { watchStalls } from './stall-watch.ts'

const [name, url, folder] = process.argv.slice(2) as [string, string, string]
const ledger = new Ledger(join(folder, `${name}.ledger`))
const logger = pino({ level: 'warn' }, pino.destination({ dest: join(folder, `${name}.log`), sync: true }))
let first = true

const signal = shutdownSignal()
watchStalls((from, to) => ledger.stalled(from, to))
say('listening')
try {
  const database = await openWhenThere()
  if (database !== undefined) await work(database)
} catch (error) {
  logger.error({ err: error }, 'the worker ended')
  process.exitCode = 1
}

async function work(database: Database): Promise<void> {
  const queue = new JobQueue(new PostgresJobStore(database))
  const options = { concurrency: 8, lease: LEASE_MS, maxCrashes: MAX_CRASHES, pollInterval: 200 }
  const free = new QueueWorker(queue, { ...options, ...paceOf(name) }).register(FREE, handle)
  // In workers of their own: beside a kind with limits, nothing is prefetched.
  const limited = new QueueWorker(queue, options).register(LIMITED, handle, LIMITS)
  const mixed = new QueueWorker(queue, options).register(MIXED, handle, versionOf(name))
  await runAllWorkers([free, limited, mixed], signal, { logger })
  await database.close()
}

async function handle(given: ClaimedJob, abort: AbortSignal): Promise<{ claim: number }> {
  const job = given as ClaimedJob<Payload>
  ledger.started(job)
  if (first) say('running')
  first = false
  let end: RunEnd = 'aborted'
  try {
    if (job.payload.fate === 'block' && job.crashes === 0) block(job.payload.takesMs)
    else await passing(job.payload, abort)
    if (job.payload.fate === 'poison') process.kill(process.pid, 'SIGKILL')
    end = endOf(job)
    // What fails when it was told to stop is taken to fail for that, and is to be run again.
    if (abort.aborted && end !== 'returned' && end !== 'retried') end = 'aborted'
    if (end === 'failed' || end === 'aborted') throw new Error('as planned')
    if (end === 'panicked') throw new RangeError('as planned')
    if (end === 'retried') throw new RetryableError({ cause: 'as planned' })
    return { claim: job.claim }
  } finally {
    ledger.ended(job, end)
  }
}

function endOf({ payload, attemptsDone }: ClaimedJob<Payload>): RunEnd {
  if (payload.fate === 'fail') return 'failed'
  if (payload.fate === 'panic') return 'panicked'
  return payload.fate === 'retry' && attemptsDone === 0 ? 'retried' : 'returned'
}

/** Nothing else happens in this process meanwhile. */
function block(forMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, forMs)
}

/** @throws the signal's reason, for a job that heeds it */
function passing({ takesMs, heeds }: Payload, abort: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer)
      reject(abort.reason as Error)
    }
    const timer = setTimeout(() => {
      abort.removeEventListener('abort', onAbort)
      resolve()
    }, takesMs)
    if (heeds) abort.addEventListener('abort', onAbort, { once: true })
  })
}

/** A worker may be started while the database is away, and be told to stop before it is back. */
async function openWhenThere(): Promise<Database | undefined> {
  for (;;) {
    try {
      return await openDatabase(url)
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_STORE_UNAVAILABLE') throw error
      if (signal.aborted) return undefined
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
