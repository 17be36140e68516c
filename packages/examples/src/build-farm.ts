// Actions on devices: a manager sends test runs to three devices, each with Node flags of its own, and a monitor prints every
// change. One device disappears in the middle of a run: its action fails with the reason, and the next run goes to another.
//
// With DATABASE_URL each host of devices is a process of its own, and the one that disappears is killed.
//
// prints:
//   ok.mjs on plain: running
//   ok.mjs on plain: succeeded
//   ok.mjs on frozen: running
//   ok.mjs on frozen: succeeded
//   ok.mjs on strict: running
//   ok.mjs on strict: succeeded
//   slow.mjs on strict: running
//   slow.mjs on strict: failed, The operation was aborted
//   slow.mjs on frozen: running
//   slow.mjs on frozen: succeeded
//   stopped
import { type ChildProcess, execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { runAllWorkers, shutdownSignal, wait } from 'runutil'
import {
  type ActionLedger,
  Manager,
  MemoryActionLedger,
  type Registration,
  type Task,
} from 'runutil/dispatch'
import { PostgresActionLedger, migrate, openDatabase } from 'runutil/postgres'

interface Input {
  readonly program: string
}

/** The devices of each host, with the flags that Node gets there. */
const HOSTS: Record<string, Record<string, string[]>> = {
  left: { plain: [], frozen: ['--frozen-intrinsics'] },
  right: { strict: ['--use_strict'] },
}
const url = process.env['DATABASE_URL']
// Without the starts and stops of workers.
const logger = pino({ level: 'warn' })

const [role, folder] = process.argv.slice(2)
if (role === undefined) await manage()
else await serve(role, folder!)

/** The program of a host's process. */
async function serve(host: string, programs: string): Promise<void> {
  const database = await openDatabase(url)
  const manager = managerOf(new PostgresActionLedger(database, { lease: '2s' }))
  const registered = register(manager, host, programs)
  void Promise.all(registered.map(({ ready }) => ready)).then(() => process.send?.('live'))
  await runAllWorkers([manager], shutdownSignal(), { logger })
  await database.close()
}

function managerOf(ledger: ActionLedger): Manager<Input> {
  return new Manager<Input>({ operation: 'test', ledger, gracePeriod: '1s' })
}

function register(manager: Manager<Input>, host: string, programs: string): Registration[] {
  return Object.entries(HOSTS[host]!).map(([device, flags]) =>
    manager.workers.register(host, device, async ({ action, input }: Task<Input>, signal) => {
      const args = [...flags, join(programs, input.program)]
      const { stdout } = await promisify(execFile)(process.execPath, args, { signal })
      await manager.update({ id: action, output: stdout.trim() })
    }),
  )
}

async function manage(): Promise<void> {
  const programs = await somePrograms()
  const database = url ? await openDatabase(url) : undefined
  if (database !== undefined) await migrate(database)
  const ledger = database ? new PostgresActionLedger(database, { lease: '2s' }) : new MemoryActionLedger()
  const manager = managerOf(ledger)
  const stop = new AbortController()
  const farm = database ? await processes(programs) : within(manager, programs)
  await runAllWorkers(
    [
      manager,
      (signal) => monitor(manager, signal),
      async (signal) => {
        await dispatch(manager, farm.lose)
        // Time for the monitor to see the last change.
        await wait('100ms', signal)
        stop.abort()
      },
    ],
    stop.signal,
    { logger },
  )
  await farm.stop()
  await database?.close()
  await rm(programs, { recursive: true })
  console.log('stopped')
}

async function dispatch(manager: Manager<Input>, lose: () => void): Promise<void> {
  for (const device of ['plain', 'frozen', 'strict'])
    await manager.do(device, { program: 'ok.mjs' }).completed
  const slow = manager.do('strict', { program: 'slow.mjs' })
  await slow
  lose()
  await slow.completed.catch(() => {})
  const [elsewhere] = [...manager.workers].map(({ target }) => target).sort()
  await manager.do(elsewhere!, { program: 'slow.mjs' }).completed
}

async function monitor(manager: Manager<Input>, signal: AbortSignal): Promise<void> {
  let last = ''
  for await (const { target, input, status, error } of manager.actions.search(
    {},
    { signal, monitor: true },
  )) {
    const line = `${input.program} on ${target}: ${status}${error === undefined ? '' : `, ${error}`}`
    // An update that only adds the output changes nothing that is printed here.
    if (line !== last) console.log(line)
    last = line
  }
}

interface Farm {
  readonly lose: () => void
  readonly stop: () => Promise<void>
}

/** Without a database everything runs in this process, and losing a device means closing its registration. */
function within(manager: Manager<Input>, programs: string): Farm {
  const registered = Object.keys(HOSTS).flatMap((host) => register(manager, host, programs))
  const right = registered.find(({ host }) => host === 'right')!
  return { lose: () => void right.close(), stop: async () => {} }
}

async function processes(programs: string): Promise<Farm> {
  const started = Object.keys(HOSTS).map((host) => fork(fileURLToPath(import.meta.url), [host, programs]))
  await Promise.all(started.map((child) => once(child, 'message')))
  const [left, right] = started as [ChildProcess, ChildProcess]
  return {
    lose: () => right.kill('SIGKILL'),
    stop: async () => {
      const exit = once(left, 'exit')
      left.kill('SIGTERM')
      await exit
    },
  }
}

async function somePrograms(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'build-farm-'))
  await writeFile(join(made, 'ok.mjs'), `console.log('ok')`)
  await writeFile(join(made, 'slow.mjs'), `setTimeout(() => console.log('ok at last'), 500)`)
  return made
}
